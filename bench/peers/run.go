package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed py
var scripts embed.FS

// skipCode is how a script says that what it needs is not there.
const skipCode = 77

// ours runs our program with --json and reads the result.
func (s *setup) ours(ctx context.Context, into any, args ...string) error {
	out, err := output(exec.CommandContext(ctx, s.bin, append(slices.Clone(args), "--json")...))
	if err != nil {
		return fmt.Errorf("detox-surgery %s: %w", strings.Join(args, " "), err)
	}
	doc := struct{ Result any }{into}
	if err := json.Unmarshal(out, &doc); err != nil {
		return fmt.Errorf("detox-surgery %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// answer is the line that a script prints.
type answer struct {
	Version string
	Values  map[string]float64
}

// script runs a script of py with variables added to the environment, of which
// those of OpenBLAS are taken away: some systems set them to slower kernels.
func (s *setup) script(ctx context.Context, vars []string, name string, args ...string) (a answer, err error) {
	c := exec.CommandContext(ctx, s.python, append([]string{filepath.Join(s.scripts, name)}, args...)...)
	c.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OPENBLAS_") }), vars...)
	out, err := output(c)
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || exitCode(err) == skipCode {
			err = fmt.Errorf("%w: %w", errSkip, err)
		}
		return a, err
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return a, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// output runs a command; the error holds the last line it wrote to stderr.
func output(c *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		if last := lines[len(lines)-1]; last != "" {
			return nil, fmt.Errorf("%w: %s", err, last)
		}
		return nil, err
	}
	return out, nil
}

func exitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}
