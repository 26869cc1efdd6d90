package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// llamaTool is a command of llama.cpp, whose libraries lie beside it.
func (s *setup) llamaTool(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path := filepath.Join(s.llama, name)
	if s.llama == "" {
		var err error
		if path, err = exec.LookPath(name); err != nil {
			return nil, fmt.Errorf("%w: %w (-llama-bin names its folder)", errSkip, err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: %w", errSkip, err)
	}
	c := exec.CommandContext(ctx, path, args...)
	c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.TrimSuffix(filepath.Dir(path)+":"+os.Getenv("LD_LIBRARY_PATH"), ":"))
	return c, nil
}

// llamaBench runs llama-bench: a prompt, and one sequence from nothing.
func (s *setup) llamaBench(ctx context.Context, m, threads, pp, tg string) (sample, error) {
	path, err := modelFile(m)
	if err != nil {
		return sample{}, err
	}
	c, err := s.llamaTool(ctx, "llama-bench", "-m", path, "-t", threads, "-p", strconv.Itoa(s.prompt), "-n", strconv.Itoa(s.written),
		"-r", strconv.Itoa(s.steps), "-o", "jsonl")
	if err != nil {
		return sample{}, err
	}
	raw, err := output(c)
	if err != nil {
		return sample{}, err
	}
	return readLlamaBench(raw, pp, tg)
}

// readLlamaBench reads llama-bench's lines of JSON.
func readLlamaBench(raw []byte, pp, tg string) (sample, error) {
	out := newSample()
	for line := range bytes.Lines(raw) {
		if !bytes.HasPrefix(line, []byte("{")) {
			continue
		}
		var r struct {
			Commit    string    `json:"build_commit"`
			Build     int       `json:"build_number"`
			Generated int       `json:"n_gen"`
			Samples   []float64 `json:"samples_ts"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return out, fmt.Errorf("llama-bench: %w", err)
		}
		id := pp
		if r.Generated > 0 {
			id = tg
		}
		out.values[id] = median(r.Samples)
		out.version = fmt.Sprintf("llama.cpp build %d (%s)", r.Build, r.Commit)
	}
	if len(out.values) != 2 {
		return out, fmt.Errorf("llama-bench: %d figures, not two", len(out.values))
	}
	return out, nil
}

// quantizePerf runs ggml's test-quantize-perf on rows of as many weights as ours.
func (s *setup) quantizePerf(ctx context.Context, types []string) (sample, error) {
	args := []string{"--size", "65536", "-i", strconv.Itoa(100 * s.steps), "--op", "quantize_row_q", "--op", "dequantize_row_q"}
	for _, t := range types {
		args = append(args, "--type", ggmlName(t))
	}
	c, err := s.llamaTool(ctx, "test-quantize-perf", args...)
	if err != nil {
		return sample{}, err
	}
	raw, err := output(c)
	if err != nil {
		return sample{}, err
	}
	return readQuantizePerf(raw, types)
}

// ggmlName spells a block type as ggml does: q4_0, q4_K.
func ggmlName(typ string) string {
	name := strings.ToLower(typ)
	if base, ok := strings.CutSuffix(name, "_k"); ok {
		return base + "_K"
	}
	return name
}

var (
	perfOps  = map[string]string{"quantize_row_q": "encode", "dequantize_row_q": "decode"}
	perfRate = regexp.MustCompile(`^float32 throughput\s*:\s*([\d.]+) GB/s$`)
)

// readQuantizePerf reads an outline: a type, operations below it, sizes below
// those, figures below those, two spaces each. Its GB are 2^30 bytes.
func readQuantizePerf(raw []byte, types []string) (sample, error) {
	names := map[string]string{}
	for _, t := range types {
		names[ggmlName(t)] = t
	}
	out := newSample()
	var typ, op string
	for in := bufio.NewScanner(bytes.NewReader(raw)); in.Scan(); {
		line := in.Text()
		word := strings.TrimSpace(line)
		if word == "" {
			continue
		}
		switch indent := len(line) - len(strings.TrimLeft(line, " ")); indent {
		case 0:
			typ, op = names[word], ""
		case 2:
			op = perfOps[word]
		default:
			m := perfRate.FindStringSubmatch(word)
			if m == nil || typ == "" || op == "" {
				continue
			}
			gib, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				return out, fmt.Errorf("test-quantize-perf: %w", err)
			}
			out.values[op+"/"+typ] = gib * (1 << 30) / 4 / 1e9
		}
	}
	if len(out.values) == 0 {
		return out, fmt.Errorf("test-quantize-perf printed no throughput")
	}
	return out, nil
}
