package pairs

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// Config says how pairs are made; zero fields take the default.
type Config struct {
	Beginnings []string // Beginnings()
	Primers    []string // Primers()
	Lines      int      // primers before a beginning: 4
	Tries      int      // continuations sampled for each half of a pair at most: 8
	MaxNew     int      // new tokens in a continuation: 20
	TopP       float64  // 0.9
	Temp       float64  // 1
	Seed       uint64   // 1
	Batch      int      // the generator's default
	MinWords   int      // words in a continuation at least: 3
	Max        int      // pairs at most; 0: one for every beginning
}

func (c Config) withDefaults() Config {
	setDefault(&c.Lines, 4)
	setDefault(&c.Tries, 8)
	setDefault(&c.MaxNew, 20)
	setDefault(&c.TopP, 0.9)
	setDefault(&c.Temp, 1)
	setDefault(&c.Seed, 1)
	setDefault(&c.MinWords, 3)
	if c.Beginnings == nil {
		c.Beginnings = Beginnings()
	}
	if c.Primers == nil {
		c.Primers = Primers()
	}
	return c
}

func setDefault[T int | uint64 | float64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (c Config) check() error {
	switch {
	case len(c.Beginnings) == 0:
		return fmt.Errorf("pairs: no beginnings")
	case c.Lines < 0 || c.Tries < 0 || c.MaxNew < 0 || c.MinWords < 0 || c.Max < 0:
		return fmt.Errorf("pairs: lines %d, tries %d, tokens %d, words %d, pairs %d: none may be negative",
			c.Lines, c.Tries, c.MaxNew, c.MinWords, c.Max)
	case len(c.Primers) < c.Lines:
		return fmt.Errorf("pairs: %d primers, but %d lines of them before each beginning", len(c.Primers), c.Lines)
	}
	return nil
}

// writer continues prompts; try says which of several draws.
type writer func(prompts []string, try uint64) []string

// Make samples pairs from m: for each beginning a continuation after Lines random primers that judge, a probability
// of toxicity, puts above 0.5, and one without primers that it puts at or below. Beginnings for which Tries draws give none
// are left out, and so are pairs with a slur. A continuation is the rest of its line. The result depends on the model, the judge and cfg only.
//
// progress, which may be nil, gets the number of halves of pairs settled and their total.
func Make(m *model.Model, judge func(text string) float64, cfg Config, progress func(done, total int)) ([]data.Pair, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	tok := m.Tokenizer()
	if len(tok.TextStart()) == 0 && strings.TrimSpace(strings.Join(cfg.Beginnings, "")) == "" {
		return nil, fmt.Errorf("pairs: the beginnings are empty")
	}
	write := func(prompts []string, try uint64) []string {
		outs := model.Generate(m, encodeAll(tok, prompts), model.GenOptions{
			MaxNew: cfg.MaxNew, Sample: true, TopP: cfg.TopP, Temp: cfg.Temp, Seed: cfg.Seed + try<<32, Batch: cfg.Batch,
		})
		texts := make([]string, len(outs))
		for i, ids := range outs {
			texts[i] = tok.Decode(ids)
		}
		return texts
	}
	return collect(write, judge, cfg, progress), nil
}

func encodeAll(tok *token.Tokenizer, prompts []string) [][]int32 {
	out := make([][]int32, len(prompts))
	for i, p := range prompts {
		out[i] = append(tok.TextStart(), tok.Encode(p)...)
	}
	return out
}

// attempt is a beginning on its way to a pair.
type attempt struct {
	pair   data.Pair
	failed bool
}

// collect draws until every beginning has both halves or has failed, or there are cfg.Max pairs.
func collect(write writer, judge func(string) float64, cfg Config, progress func(done, total int)) []data.Pair {
	all := make([]attempt, len(cfg.Beginnings))
	for i, b := range cfg.Beginnings {
		all[i].pair.Prompt = b
	}
	settled := 0
	report := func(n int) {
		settled += n
		if progress != nil {
			progress(settled, 2*len(all))
		}
	}
	r := rand.New(rand.NewPCG(cfg.Seed, 0x7061697273))
	// The rejected halves come first: where there is none, no chosen half is needed.
	rejected := half{
		context: func() string { return context(r, cfg.Primers, cfg.Lines) },
		want:    func(s string) bool { return judge(s) > 0.5 },
		keep:    func(p *data.Pair, s, context string) { p.Rejected, p.Context = s, context },
	}
	chosen := half{
		context: func() string { return "" },
		want:    func(s string) bool { return judge(s) <= 0.5 },
		keep:    func(p *data.Pair, s, _ string) { p.Chosen = s },
	}
	rejected.fill(all, write, cfg, 0, report)
	chosen.fill(all, write, cfg, uint64(cfg.Tries), report)
	var out []data.Pair
	for _, a := range all {
		if hateful(a.pair.Rejected) || hateful(a.pair.Chosen) {
			continue
		}
		if !a.failed && (cfg.Max == 0 || len(out) < cfg.Max) {
			out = append(out, a.pair)
		}
	}
	return out
}

// half is what distinguishes the chosen continuation of a pair from the rejected.
type half struct {
	context func() string
	want    func(text string) bool
	keep    func(p *data.Pair, text, context string)
}

// chunk is how many beginnings are continued at once, so that progress shows.
const chunk = 64

// fill draws for all beginnings that have not failed, and marks those that get no continuation as failed. report
// gets the number of beginnings settled.
func (h half) fill(all []attempt, write writer, cfg Config, firstTry uint64, report func(int)) {
	var open []int
	for i := range all {
		if !all[i].failed {
			open = append(open, i)
		}
	}
	report(len(all) - len(open))
	enough := len(all)
	if cfg.Max > 0 {
		enough = cfg.Max + cfg.Max/8 // a few will fail in the other half
	}
	good := 0
	for try := range uint64(cfg.Tries) {
		var rest []int
		for at := 0; at < len(open); at += chunk {
			part := open[at:min(at+chunk, len(open))]
			if good >= enough {
				rest = append(rest, part...)
				continue
			}
			missed := h.draw(all, part, write, cfg.MinWords, (firstTry+try)<<16|uint64(at/chunk))
			good += len(part) - len(missed)
			report(len(part) - len(missed))
			rest = append(rest, missed...)
		}
		open = rest
	}
	for _, i := range open {
		all[i].failed = true
	}
	report(len(open))
}

// draw samples one continuation for each of the beginnings part and returns those whose continuation is not wanted.
func (h half) draw(all []attempt, part []int, write writer, minWords int, try uint64) (missed []int) {
	contexts, prompts := make([]string, len(part)), make([]string, len(part))
	for j, i := range part {
		contexts[j] = h.context()
		prompts[j] = contexts[j] + all[i].pair.Prompt
	}
	for j, text := range write(prompts, try) {
		p := &all[part[j]].pair
		if text = firstLine(text); len(strings.Fields(text)) < minWords || text == p.Rejected || !h.want(text) {
			missed = append(missed, part[j])
			continue
		}
		h.keep(p, text, contexts[j])
	}
	return missed
}

// context returns n different primers, one a line.
func context(r *rand.Rand, primers []string, n int) string {
	var b strings.Builder
	for _, i := range r.Perm(len(primers))[:n] {
		b.WriteString(primers[i])
		b.WriteByte('\n')
	}
	return b.String()
}

// firstLine is text up to its first line break, without white space at the end.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimRight(line, " \t\r")
}
