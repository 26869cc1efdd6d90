package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/bench"
)

// self is the name of our contenders in their usual mode.
const self = "detox-surgery"

// makers make the groups of a run, a line each.
var makers = []func(s *setup) []group{
	gemmGroups, trainGroups, longTrainGroups, finetuneGroups, speedGroups, pureGroups, quantGroups, outProdGroups,
}

func groups(s *setup) (out []group) {
	for _, m := range makers {
		for _, g := range m(s) {
			if s.only == nil || s.only.MatchString(g.name) {
				out = append(out, g)
			}
		}
	}
	return out
}

// mode is a way to run a program: what the table calls it, and the flags for it.
type mode struct {
	name string
	args []string
}

// Our own modes, a row each. The first of a list is what the others and the peers
// are compared with.
var (
	gemmModes  = []mode{{self, nil}}
	trainModes = []mode{{self, nil}, {self + " fast", []string{"--precision", "fast"}}}
	// llama.cpp rounds activations to 8 bits too.
	speedModes = []mode{{self, []string{"--int8"}}, {self + " f32", nil}}
	quantModes = []mode{{self, nil}}
)

// PyTorch's own setting for f32 is not its fastest, so both stand in the table;
// bf16 computes with 8 bits of mantissa where the others have 24.
var torchModes = []mode{
	{"PyTorch f32", []string{"--matmul", "highest"}},
	{"PyTorch f32, medium", []string{"--matmul", "medium"}},
	{"PyTorch bf16", []string{"--bf16"}},
}

// gemmGroups compare f32 products of square matrices.
func gemmGroups(s *setup) (out []group) {
	for _, threads := range s.threads {
		t := strconv.Itoa(threads)
		g := group{name: "gemm/t" + t}
		id := func(size string) string { return "gemm/" + size + "/t" + t }
		for _, n := range s.sizes {
			g.rows = append(g.rows, row{ID: id(strconv.Itoa(n)), Title: fmt.Sprintf("f32 product %d³", n), Unit: "GFLOP/s", Threads: threads})
		}
		for _, m := range gemmModes {
			g.add(m.name, func(ctx context.Context) (sample, error) { return s.ourGemm(ctx, t, id, m.args) })
		}
		for _, m := range torchModes {
			args := slices.Concat([]string{"--threads", t}, s.productArgs(), m.args)
			g.add(m.name, func(ctx context.Context) (sample, error) {
				return s.pythonSample(ctx, id, nil, "torch_gemm.py", args...)
			})
		}
		blasModes := []mode{{"OpenBLAS", nil}}
		if s.tier == "avx512" {
			blasModes = append(blasModes, mode{"OpenBLAS, SKYLAKEX", []string{"OPENBLAS_CORETYPE=SKYLAKEX"}})
		}
		for _, m := range blasModes { // modes by variables
			vars := append([]string{"OPENBLAS_NUM_THREADS=" + t}, m.args...)
			g.add(m.name, func(ctx context.Context) (sample, error) {
				return s.pythonSample(ctx, id, vars, "openblas_gemm.py", s.productArgs()...)
			})
		}
		g.add("gonum", func(context.Context) (sample, error) { return gonumGemm(s.sizes, threads, id), nil })
		out = append(out, g)
	}
	return out
}

func (g *group) add(name string, run func(context.Context) (sample, error)) {
	g.contenders = append(g.contenders, contender{name, run})
}

func (s *setup) productArgs() []string {
	return []string{"--sizes", join(s.sizes), "--seconds", fmt.Sprint(s.seconds)}
}

func (s *setup) ourGemm(ctx context.Context, threads string, id func(string) string, extra []string) (sample, error) {
	var rows []bench.GemmResult
	args := []string{"bench", "gemm", "--size", join(s.sizes), "--threads", threads, "--tier", s.tier}
	err := s.ours(ctx, &rows, append(args, extra...)...)
	out := newSample()
	for _, r := range rows {
		out.values[id(strconv.Itoa(r.Size))], out.shares[id(strconv.Itoa(r.Size))] = r.GFLOPS, r.Share
	}
	return out, err
}

// pythonSample runs a script whose values are named by what id makes row ids of.
func (s *setup) pythonSample(ctx context.Context, id func(string) string, vars []string, script string, args ...string) (sample, error) {
	a, err := s.script(ctx, vars, script, args...)
	out := newSample()
	out.version = a.Version
	for k, v := range a.Values {
		out.values[id(k)] = v
	}
	return out, err
}

// trainGroups compare training steps, on all processors.
func trainGroups(s *setup) []group { return s.trainShape("train-step", s.batch, s.seq, s.steps) }

// longTrainGroups are the same with a quarter of the sequences, eight times as long.
func longTrainGroups(s *setup) []group { return s.trainShape("train-long", s.batch/4, 8*s.seq, 1) }

func (s *setup) trainShape(kind string, batch, seq, steps int) (out []group) {
	threads := slices.Max(s.threads)
	t := strconv.Itoa(threads)
	shape := []string{"--threads", t, "--batch", strconv.Itoa(batch), "--seq", strconv.Itoa(seq), "--steps", strconv.Itoa(steps)}
	for _, m := range s.models {
		for _, which := range []string{"ffn_down", "all"} {
			g := group{name: fmt.Sprintf("%s/%s/%s", kind, modelName(m), which)}
			id := func(what string) string { return g.name + "/t" + t + "/" + what }
			title := fmt.Sprintf("training step, %s, %d × %d tokens, %s", modelName(m), batch, seq, which)
			g.rows = []row{
				{ID: id("tokens_per_s"), Title: title, Unit: "tokens/s", Threads: threads},
				{ID: id("peak_rss_mib"), Title: title + ", peak memory", Unit: "MiB", Threads: threads, Lower: true},
			}
			for _, mode := range trainModes {
				args := slices.Concat([]string{"--trainable", which}, shape, mode.args)
				g.add(mode.name, func(ctx context.Context) (sample, error) { return s.ourStep(ctx, m, id, args) })
			}
			for _, mode := range torchModes {
				args := slices.Concat([]string{"--cache", s.cache, "--train", which}, shape, mode.args)
				g.add(mode.name, func(ctx context.Context) (sample, error) {
					path, err := modelFile(m)
					if err != nil {
						return sample{}, err
					}
					return s.pythonSample(ctx, id, nil, "torch_step.py", append([]string{"--model", path}, args...)...)
				})
			}
			out = append(out, g)
		}
	}
	return out
}

func (s *setup) ourStep(ctx context.Context, m string, id func(string) string, args []string) (sample, error) {
	path, err := modelFile(m)
	if err != nil {
		return sample{}, err
	}
	var r bench.TrainStepResult
	err = s.ours(ctx, &r, append([]string{"bench", "train-step", "-m", path}, args...)...)
	out := newSample()
	out.values[id("tokens_per_s")] = r.TokensPerS
	if r.PeakRSS > 0 {
		out.values[id("peak_rss_mib")] = float64(r.PeakRSS) / (1 << 20)
	}
	return out, err
}

// speedGroups compare reading of prompts and writing with llama.cpp.
func speedGroups(s *setup) (out []group) {
	for _, m := range s.models {
		for _, threads := range s.threads {
			t := strconv.Itoa(threads)
			name := modelName(m)
			pp, tg := fmt.Sprintf("prefill/%s/t%s", name, t), fmt.Sprintf("generate/%s/t%s", name, t)
			g := group{name: fmt.Sprintf("speed/%s/t%s", name, t), rows: []row{
				{ID: pp, Title: fmt.Sprintf("reading %d tokens, %s", s.prompt, name), Unit: "tokens/s", Threads: threads},
				{ID: tg, Title: fmt.Sprintf("writing %d tokens, %s", s.written, name), Unit: "tokens/s", Threads: threads},
			}}
			for _, mode := range speedModes {
				g.add(mode.name, func(ctx context.Context) (sample, error) { return s.ourSpeed(ctx, m, t, pp, tg, mode.args) })
			}
			g.add("llama.cpp", func(ctx context.Context) (sample, error) { return s.llamaBench(ctx, m, t, pp, tg) })
			out = append(out, g)
		}
	}
	return out
}

// ourSpeed measures prefill and generation.
func (s *setup) ourSpeed(ctx context.Context, m, threads, pp, tg string, extra []string) (sample, error) {
	path, err := modelFile(m)
	if err != nil {
		return sample{}, err
	}
	var p bench.PrefillResult
	args := append([]string{"-m", path, "--threads", threads, "--runs", strconv.Itoa(s.steps)}, extra...)
	if err := s.ours(ctx, &p, append([]string{"bench", "prefill", "-n", strconv.Itoa(s.prompt)}, args...)...); err != nil {
		return sample{}, err
	}
	var g bench.GenerateResult
	if err := s.ours(ctx, &g, append([]string{"bench", "generate", "-n", strconv.Itoa(s.written)}, args...)...); err != nil {
		return sample{}, err
	}
	out := newSample()
	out.values[pp], out.shares[pp] = p.TokensPerS, p.Share
	out.values[tg], out.shares[tg] = g.TokensPerS, g.Share
	return out, nil
}

// quantGroups compare the conversion of blocks with ggml's, on one thread.
func quantGroups(s *setup) []group {
	g := group{name: "quant"}
	var types []string
	for _, t := range bench.QuantTypes() {
		types = append(types, t.String())
		g.rows = append(g.rows, row{ID: "decode/" + t.String(), Title: "decode " + t.String(), Unit: "Gweights/s", Threads: 1})
	}
	for _, t := range types {
		g.rows = append(g.rows, row{ID: "encode/" + t, Title: "encode " + t, Unit: "Gweights/s", Threads: 1})
	}
	for _, mode := range quantModes {
		g.add(mode.name, func(ctx context.Context) (sample, error) { return s.ourQuant(ctx, mode.args) })
	}
	g.add("llama.cpp", func(ctx context.Context) (sample, error) { return s.quantizePerf(ctx, types) })
	return []group{g}
}

func (s *setup) ourQuant(ctx context.Context, extra []string) (sample, error) {
	var rows []bench.QuantResult
	err := s.ours(ctx, &rows, append([]string{"bench", "quant"}, extra...)...)
	out := newSample()
	for _, r := range rows {
		out.values["decode/"+r.Type], out.shares["decode/"+r.Type] = r.Decode, r.DecodeShare
		if r.Encode > 0 {
			out.values["encode/"+r.Type], out.shares["encode/"+r.Type] = r.Encode, r.EncodeShare
		}
	}
	return out, err
}

func newSample() sample {
	return sample{values: map[string]float64{}, shares: map[string]float64{}}
}

// modelName is what rows call a model: its file without the suffix.
func modelName(arg string) string {
	return strings.TrimSuffix(filepath.Base(arg), ".gguf")
}

func join(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}
