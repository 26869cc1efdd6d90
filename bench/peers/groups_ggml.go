package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/bench"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// outProdTypes are the types whose backward product is compared with ggml's.
var outProdTypes = []quant.Type{quant.Q4_1, quant.Q5_0, quant.Q8_0, quant.Q4K, quant.Q6K}

// outProdSize is the width of the square weights of that comparison.
const outProdSize = 2048

// outProdGroups compare dx = dy W with ggml's OUT_PROD, which expands the weights
// again for every token: its rate does not depend on their number.
func outProdGroups(s *setup) []group {
	g := group{name: "out-prod"}
	for _, t := range outProdTypes {
		g.rows = append(g.rows, row{
			ID: "out-prod/" + t.String(), Title: fmt.Sprintf("dx = dy W, %s [%d, %d]", t, outProdSize, outProdSize), Unit: "GFLOP/s", Threads: 1,
		})
	}
	g.add(self, s.ourOutProd)
	g.add("ggml OUT_PROD", s.ggmlOutProd)
	return []group{g}
}

func (s *setup) ourOutProd(ctx context.Context) (sample, error) {
	args := []string{"bench", "maps", "--tokens", "512", "--size", strconv.Itoa(outProdSize), "--threads", "1", "--tier", s.tier}
	for _, t := range outProdTypes {
		args = append(args, "--type", t.String())
	}
	var rows []bench.MapResult
	err := s.ours(ctx, &rows, args...)
	out := newSample()
	for _, r := range rows {
		if r.Pass == "backward" {
			out.values["out-prod/"+r.Type], out.shares["out-prod/"+r.Type] = r.GFLOPS, r.Share
		}
	}
	return out, err
}

// outProdOp is OUT_PROD in ggml's list of operations; what the tool prints tells
// whether it still is.
const outProdOp = 31

var perfTime = regexp.MustCompile(`OUT_PROD\(.*?([\d.]+) us/run`)

func (s *setup) ggmlOutProd(ctx context.Context) (sample, error) {
	out := newSample()
	path := filepath.Join(s.cache, "out-prod.txt")
	for _, t := range outProdTypes {
		if err := os.WriteFile(path, []byte(outProdCase(t, outProdSize, 1)), 0o600); err != nil {
			return out, err
		}
		c, err := s.llamaTool(ctx, "test-backend-ops", "perf", "-b", "CPU", "--test-file", path)
		if err != nil {
			return out, err
		}
		raw, err := output(c)
		if err != nil {
			return out, err
		}
		m := perfTime.FindSubmatch(raw)
		if m == nil {
			return out, errors.New("test-backend-ops printed no time of OUT_PROD")
		}
		us, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return out, err
		}
		out.values["out-prod/"+t.String()] = 2 * outProdSize * outProdSize / us / 1e3
	}
	return out, nil
}

// outProdCase is a line of test-backend-ops --test-file: the operation, the type and
// shape of its result, parameters, and both sources with their shapes and strides,
// the second a transposed gradient of so many tokens.
func outProdCase(t quant.Type, size, tokens int) string {
	rowBytes := t.RowBytes(size)
	all := size * rowBytes
	grad := 4 * size * tokens
	return fmt.Sprintf("%d 0 %d %d 1 1 0 2 %d %d %d 1 1 %d %d %d %d 0 %d %d 1 1 %d 4 %d %d -\n",
		outProdOp, size, tokens, t, size, size, t.Bytes(), rowBytes, all, all, tokens, size, 4*size, grad, grad)
}

// finetuneGroups compare a training step of all norm gains, which is what
// llama-finetune trains of a quantized model.
func finetuneGroups(s *setup) (out []group) {
	threads := strconv.Itoa(slices.Max(s.threads))
	m := s.models[0]
	id := "finetune/" + modelName(m) + "/t" + threads
	g := group{name: "finetune/" + modelName(m), rows: []row{{
		ID: id, Title: fmt.Sprintf("training step, %s, %d × %d tokens, norm gains", modelName(m), 1, finetuneTokens), Unit: "tokens/s", Threads: slices.Max(s.threads),
	}}}
	for _, mode := range trainModes {
		args := slices.Concat([]string{
			"--trainable", "gains", "--threads", threads, "--batch", "1",
			"--seq", strconv.Itoa(finetuneTokens), "--ubatch", strconv.Itoa(finetuneTokens), "--steps", "5",
		}, mode.args)
		g.add(mode.name, func(ctx context.Context) (sample, error) {
			return s.ourStep(ctx, m, func(what string) string { return strings.Replace(id+"/"+what, "/tokens_per_s", "", 1) }, args)
		})
	}
	g.add("llama-finetune", func(ctx context.Context) (sample, error) { return s.llamaFinetune(ctx, m, threads, id) })
	return []group{g}
}

// finetuneTokens is its context: with fewer it runs out of graph nodes on small
// models.
const finetuneTokens = 512

var finetuneProgress = regexp.MustCompile(`data=0*(\d+)/0*\d+ .*?t=(\d+):(\d+):(\d+)`)

func (s *setup) llamaFinetune(ctx context.Context, m, threads, id string) (sample, error) {
	out := newSample()
	path, err := modelFile(m)
	if err != nil {
		return out, err
	}
	text := filepath.Join(s.cache, "finetune.txt")
	// Each further half of a context is one more step; a word is about a token.
	words := strings.Repeat("the house by the river has a red door and a small green garden. ", 160)
	if err := os.WriteFile(text, []byte(words), 0o600); err != nil {
		return out, err
	}
	n := strconv.Itoa(finetuneTokens)
	c, err := s.llamaTool(ctx, "llama-finetune", "-m", path, "-f", text, "-c", n, "-b", n, "-ub", n, "-t", threads, "-epochs", "1",
		"-val-split", "0", "-o", filepath.Join(s.cache, "finetuned.gguf"))
	if err != nil {
		return out, err
	}
	raw, err := c.CombinedOutput()
	if err != nil {
		return out, err
	}
	last := finetuneProgress.FindAllSubmatch(raw, -1)
	if len(last) == 0 {
		return out, errors.New("llama-finetune printed no progress")
	}
	var v [4]int
	for i, b := range last[len(last)-1][1:] {
		if v[i], err = strconv.Atoi(string(b)); err != nil {
			return out, err
		}
	}
	seconds := v[1]*3600 + v[2]*60 + v[3]
	if seconds == 0 {
		return out, errors.New("llama-finetune was too fast to be timed")
	}
	out.values[id] = float64(v[0]*finetuneTokens) / float64(seconds)
	return out, nil
}

// pureGroups compare the reading of prompts on a model of Q4_K alone, where
// llama.cpp's products are at their best; none of the real models has such widths.
func pureGroups(s *setup) []group {
	threads := strconv.Itoa(slices.Max(s.threads))
	pp, tg := "prefill/q4_k/t"+threads, "generate/q4_k/t"+threads
	g := group{name: "speed/q4_k/t" + threads, rows: []row{
		{ID: pp, Title: fmt.Sprintf("reading %d tokens, random model of Q4_K alone", s.prompt), Unit: "tokens/s", Threads: slices.Max(s.threads)},
		{ID: tg, Title: fmt.Sprintf("writing %d tokens, random model of Q4_K alone", s.written), Unit: "tokens/s", Threads: slices.Max(s.threads)},
	}}
	for _, mode := range speedModes {
		g.add(mode.name, func(ctx context.Context) (sample, error) {
			path, err := s.pureModel(ctx)
			if err != nil {
				return sample{}, err
			}
			return s.ourSpeed(ctx, path, threads, pp, tg, mode.args)
		})
	}
	g.add("llama.cpp", func(ctx context.Context) (sample, error) {
		path, err := s.pureModel(ctx)
		if err != nil {
			return sample{}, err
		}
		return s.llamaBench(ctx, path, threads, pp, tg)
	})
	return []group{g}
}

// pureModel makes that model, once a run.
func (s *setup) pureModel(ctx context.Context) (string, error) {
	path := filepath.Join(s.cache, "q4_k.gguf")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	tokenizer, err := modelFile(s.models[0])
	if err != nil {
		return "", err
	}
	half := filepath.Join(s.cache, "f16.gguf")
	defer os.Remove(half)
	c := exec.CommandContext(ctx, s.python, filepath.Join(s.scripts, "random_model.py"), tokenizer, half)
	if _, err := output(c); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || exitCode(err) == skipCode {
			err = fmt.Errorf("%w: %w", errSkip, err)
		}
		return "", err
	}
	if c, err = s.llamaTool(ctx, "llama-quantize", "--pure", half, path, "Q4_K"); err != nil {
		return "", err
	}
	_, err = output(c)
	return path, err
}
