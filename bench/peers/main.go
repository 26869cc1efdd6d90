// Command peers measures this project beside PyTorch, OpenBLAS, gonum and
// llama.cpp: the programs take turns, every figure is the median of the rounds.
// It prints one Markdown table and keeps the figures of a processor in
// bench/results. Run it in the root of the repository, on an idle machine:
//
//	go run ./bench/peers -python PYTHON -llama-bin FOLDER
//
// -check measures our own shares of the processor's limits again and fails where
// one has fallen against the results kept for this processor; -readme writes the
// table of README.md anew from the results that it names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

const (
	resultsDir = "bench/results"
	readmePath = "README.md"
	leastRound = 3 // rounds that a median needs
)

// setup is what a run was asked for, and where its programs are.
type setup struct {
	bin     string // our own program
	tier    string // that it runs on
	python  string // interpreter of the peers
	llama   string // folder of llama.cpp's tools, "" if there is none
	scripts string // folder of the peers' scripts
	cache   string // folder for the peers' conversions, kept for one run
	models  []string
	threads []int
	sizes   []int // of square products
	rounds  int
	steps   int // training steps of one run
	prompt  int
	written int
	seconds float64 // of one figure of a peer's product
	batch   int
	seq     int
	only    *regexp.Regexp
	log     *log.Logger // progress, on stderr
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], log.New(os.Stdout, "", 0), log.New(os.Stderr, "", 0))
	stop()
	os.Exit(code)
}

// flags are the arguments of the program.
type flags struct {
	check, readme, quick, list  bool
	bin, python, llama, models  string
	threads, sizes, only, saved string
	rounds                      int
}

func run(ctx context.Context, args []string, stdout, stderr *log.Logger) int {
	var f flags
	set := flag.NewFlagSet("peers", flag.ContinueOnError)
	set.SetOutput(stderr.Writer())
	set.BoolVar(&f.check, "check", false, "measure our shares of the limits again and compare them with the results kept")
	set.BoolVar(&f.readme, "readme", false, "write the table of "+readmePath+" from -results, or from the results that it names")
	set.BoolVar(&f.quick, "quick", false, "one round of small shapes, to try the programs; keeps nothing")
	set.BoolVar(&f.list, "list", false, "list the groups")
	set.StringVar(&f.bin, "bin", "", "our program (default: built now)")
	set.StringVar(&f.python, "python", env("DETOX_PEERS_PYTHON", "python3"), "Python that has torch, transformers, gguf and numpy (DETOX_PEERS_PYTHON)")
	set.StringVar(&f.llama, "llama-bin", os.Getenv("DETOX_LLAMA_BIN"), "folder of llama-bench and test-quantize-perf (DETOX_LLAMA_BIN)")
	set.StringVar(&f.models, "models", "smollm2-135m,gemma3-270m", "GGUF files, or names that pull knows")
	set.StringVar(&f.threads, "threads", "", "numbers of threads (default: one, and all processors)")
	set.StringVar(&f.sizes, "sizes", "512,1024,2048", "sizes of square products")
	set.StringVar(&f.only, "only", "", "regular expression of the groups to run; results of others stay")
	set.StringVar(&f.saved, "results", "", "file of results (default: this processor's in "+resultsDir+")")
	set.IntVar(&f.rounds, "rounds", leastRound, "rounds")
	if err := set.Parse(args); err != nil {
		return 2
	}
	if set.NArg() > 0 {
		stderr.Printf("peers: unexpected argument %q", set.Arg(0))
		return 2
	}
	code, err := f.run(ctx, stdout, stderr)
	if err != nil {
		stderr.Printf("peers: %v", err)
	}
	return code
}

func (f *flags) run(ctx context.Context, stdout, stderr *log.Logger) (code int, err error) {
	if f.readme {
		if err := writeReadme(readmePath, f.saved); err != nil {
			return 1, err
		}
		return 0, nil
	}
	s, clean, err := f.setup(ctx, stderr)
	if err != nil {
		return 1, err
	}
	defer clean()
	if f.list {
		for _, g := range groups(s) {
			stdout.Println(g.name)
		}
		stdout.Println(sharesGroup)
		return 0, nil
	}
	if f.rounds < leastRound && !f.quick && !f.check {
		return 2, fmt.Errorf("%d rounds: a median needs %d", f.rounds, leastRound)
	}
	path := f.saved
	if path == "" {
		path = filepath.Join(resultsDir, slug(cpuName())+".json")
	}
	if f.check {
		return check(ctx, s, path, stdout)
	}
	if err := measure(ctx, s, f, path, stdout); err != nil {
		return 1, err
	}
	return 0, nil
}

// setup reads the lists, builds our program and unpacks the scripts.
func (f *flags) setup(ctx context.Context, stderr *log.Logger) (*setup, func(), error) {
	s := &setup{
		bin: f.bin, python: f.python, llama: f.llama, models: strings.Split(f.models, ","), rounds: f.rounds,
		steps: 2, prompt: 512, written: 64, seconds: 0.5, batch: 16, seq: 64, log: stderr,
	}
	var err error
	if s.sizes, err = numbers(f.sizes); err != nil {
		return nil, nil, fmt.Errorf("-sizes: %w", err)
	}
	s.threads = []int{1, runtime.NumCPU()}
	if f.threads != "" {
		if s.threads, err = numbers(f.threads); err != nil {
			return nil, nil, fmt.Errorf("-threads: %w", err)
		}
	} else if runtime.NumCPU() == 1 {
		s.threads = s.threads[:1]
	}
	if s.only, err = regexp.Compile(f.only); err != nil {
		return nil, nil, err
	}
	if f.quick {
		s.rounds, s.sizes, s.steps, s.prompt, s.written, s.seconds, s.batch, s.seq = 1, []int{256}, 1, 32, 4, 0.05, 2, 16
	}
	dir, err := os.MkdirTemp("", "detox-peers-")
	if err != nil {
		return nil, nil, err
	}
	clean := func() { os.RemoveAll(dir) }
	if err := s.prepare(ctx, dir); err != nil {
		clean()
		return nil, nil, err
	}
	return s, clean, nil
}

func (s *setup) prepare(ctx context.Context, dir string) error {
	s.scripts, s.cache = filepath.Join(dir, "py"), filepath.Join(dir, "cache")
	if err := os.CopyFS(dir, scripts); err != nil {
		return err
	}
	if err := os.Mkdir(s.cache, 0o755); err != nil {
		return err
	}
	if s.bin == "" {
		s.bin = filepath.Join(dir, "detox-surgery")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", s.bin, "./cmd/detox-surgery").CombinedOutput()
		if err != nil {
			return fmt.Errorf("building ./cmd/detox-surgery: %w: %s", err, out)
		}
	}
	var v struct{ Tier string }
	if err := s.ours(ctx, &v, "version"); err != nil {
		return err
	}
	s.tier = v.Tier
	return nil
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// numbers reads "1,2".
func numbers(list string) (out []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no positive number", word)
		}
		out = append(out, n)
	}
	return out, nil
}

// errSkip is wrapped by a contender that this machine lacks.
var errSkip = errors.New("not here")
