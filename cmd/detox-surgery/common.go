package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/eval"
	"github.com/detox-surgery/detox-surgery/surgery/patient"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// jsonSchema is the version of every document that --json prints.
const jsonSchema = 1

var (
	jsonFlag    = &cli.BoolFlag{Name: "json", Usage: "print one JSON document"}
	quietFlag   = &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress on stderr"}
	forceFlag   = &cli.BoolFlag{Name: "force", Usage: "overwrite an existing output"}
	threadsFlag = &cli.IntFlag{Name: "threads", Aliases: []string{"t"}, Usage: "worker threads (0: all processors)", EnvVars: []string{"DETOX_ARG_THREADS"}}
	seedFlag    = &cli.Uint64Flag{Name: "seed", Aliases: []string{"s"}, Value: 1, EnvVars: []string{"DETOX_ARG_SEED"}}
)

func modelFlag() *cli.StringFlag {
	return &cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "GGUF file, or a name that pull knows", Required: true, EnvVars: []string{"DETOX_ARG_MODEL"}}
}

// printJSON writes one versioned document to stdout.
func printJSON(command string, result any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", " ")
	return e.Encode(map[string]any{"schema": jsonSchema, "command": command, "version": version, "result": result})
}

// logger returns a function that writes lines to stderr, silent under --quiet.
func logger(c *cli.Context) func(string) {
	if c.Bool("quiet") {
		return func(string) {}
	}
	return func(s string) { fmt.Fprintln(os.Stderr, s) }
}

const maxThreads = 1024

// newPool starts the workers of a command.
func newPool(c *cli.Context) (*simd.Pool, error) {
	if err := simd.TierError(); err != nil {
		return nil, usageError{err}
	}
	n := c.Int("threads")
	if n < 0 || n > maxThreads {
		return nil, usagef("threads must be within 0..%d, not %d", maxThreads, n)
	}
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return simd.NewPool(n), nil
}

// openFile maps the container named by the flag or argument.
func openFile(arg string) (*gguf.File, error) {
	path, err := modelPath(arg)
	if err != nil {
		return nil, err
	}
	return gguf.Open(path)
}

// openWhole maps the model named by the flag or argument, all files of a split one.
func openWhole(arg string) (*gguf.File, error) {
	path, err := modelPath(arg)
	if err != nil {
		return nil, err
	}
	return gguf.OpenWhole(path)
}

// openModel opens the model of a file, or of all files of a split set, on a pool.
func openModel(arg string, pool *simd.Pool) (*model.Model, error) {
	path, err := modelPath(arg)
	if err != nil {
		return nil, err
	}
	f, err := patient.Open(path, pool)
	if err != nil {
		return nil, err
	}
	m, err := f.Model()
	if err == nil {
		err = m.NeedLen(eval.WindowTokens)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m.SetPool(pool)
	return m, nil
}

// refuseExisting is the check of every command that writes, made before any work.
func refuseExisting(path string, force bool) error {
	if _, err := os.Lstat(path); err == nil && !force {
		return fmt.Errorf("%s exists; give --force to overwrite it", path)
	}
	return nil
}
