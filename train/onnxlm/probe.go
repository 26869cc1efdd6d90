package onnxlm

import (
	"math"
	"slices"

	"github.com/detox-surgery/detox-surgery/onnx"
)

// probeTokens is the length of the prompt that graphs are run on.
const probeTokens = 12

// shape is what structure and a run of the graph say about a decoder.
type shape struct {
	width, ffn, heads, kv, headDim, vocab int
	ropeDim                               int // 0: none
	ropeBase                              float32
	ropeFactors                           []float32 // divisors of frequencies; nil: none
	magnitude                             float32
	ids                                   []int32 // the prompt
	logits                                *array  // [1, T, V] that the graph has on it
}

// probe runs the graph on a prompt and measures what structure does not tell.
func (g *graph) probe(d *decoder) (*shape, error) {
	a := d.blocks[0].attn
	s := &shape{width: d.embed.k, vocab: d.embed.n, ffn: d.blocks[0].ffn.out.w.k, magnitude: 1}
	for i := range probeTokens {
		s.ids = append(s.ids, int32(1+(i*i*7919+i*31)%max(1, s.vocab-1)))
	}
	inputs, err := g.inputs(s.ids, a.out.w.k/max(1, a.heads))
	if err != nil {
		return nil, err
	}
	head := g.m.Graph.Outputs[0].Name
	for _, o := range g.m.Graph.Outputs {
		if o.Name == "logits" {
			head = o.Name
		}
	}
	want := []string{head}
	for _, b := range d.blocks {
		for _, name := range []string{b.attn.cos, b.attn.sin} {
			if name != "" && !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
	}
	if a.qHeads != "" {
		want = append(want, a.qHeads)
	}
	values, err := g.run(inputs, want)
	if err != nil {
		return nil, err
	}
	s.logits = values[head]
	if s.logits == nil || len(s.logits.F) != probeTokens*d.head.w.n {
		return nil, unknown(head, "logits of shape %v for a prompt of %d tokens", s.logits.Dims, probeTokens)
	}
	if err := s.countHeads(a, values[a.qHeads]); err != nil {
		return nil, err
	}
	return s, g.measureRotation(d, s, values)
}

// countHeads finds the number and size of heads.
func (s *shape) countHeads(a *attention, scores *array) error {
	s.heads, s.kv = a.heads, a.kv
	if s.heads == 0 && scores != nil {
		switch len(scores.Dims) {
		case 4:
			s.heads = scores.Dims[1]
		case 3:
			s.heads = scores.Dims[0]
		}
	}
	k := a.out.w.k
	if s.heads < 1 || k%s.heads != 0 {
		return unknown(a.out.y, "%d heads over %d columns", s.heads, k)
	}
	s.headDim = k / s.heads
	rows := a.k.w.n
	if a.q == a.k {
		rows = (a.q.w.n - k) / 2
	}
	if s.kv == 0 {
		s.kv = rows / s.headDim
	}
	if s.kv < 1 || s.kv*s.headDim != rows || s.heads%s.kv != 0 {
		return unknown(a.k.y, "%d rows of keys for %d heads of %d", rows, s.kv, s.headDim)
	}
	return nil
}

// inputs are the graph's inputs for one sequence without a past. headDim counts where
// the graph gives the size of a cache a name.
func (g *graph) inputs(ids []int32, headDim int) (map[string]*array, error) {
	n := len(ids)
	out := map[string]*array{}
	for _, in := range g.m.Graph.Inputs {
		if g.tensors[in.Name] != nil {
			continue
		}
		v := &array{Dims: []int{1, n}, I: make([]int64, n)}
		switch {
		case in.Name == "input_ids":
			for i, id := range ids {
				v.I[i] = int64(id)
			}
		case in.Name == "attention_mask":
			for i := range v.I {
				v.I[i] = 1
			}
		case in.Name == "position_ids":
			for i := range v.I {
				v.I[i] = int64(i)
			}
		default:
			var err error
			if v, err = emptyPast(in, headDim); err != nil {
				return nil, err
			}
		}
		out[in.Name] = v
	}
	return out, nil
}

// emptyPast is a cache [B, H, 0, headDim] that holds nothing.
func emptyPast(in *onnx.ValueInfo, headDim int) (*array, error) {
	t := in.Type
	if t == nil || !t.HasShape || len(t.Shape) != 4 || !t.Elem.IsFloat() {
		return nil, unknown(in.Name, "an input that is not known (known: input_ids, attention_mask, position_ids, past keys and values)")
	}
	v := &array{Dims: []int{1, int(t.Shape[1].Value), 0, int(t.Shape[3].Value)}, F: []float32{}}
	if v.Dims[3] < 1 {
		v.Dims[3] = headDim
	}
	if v.Dims[1] < 1 || v.Dims[3] < 1 {
		return nil, unknown(in.Name, "a cache of unknown shape")
	}
	return v, nil
}

// measureRotation finds frequencies from the cosine and sine of position 1.
func (g *graph) measureRotation(d *decoder, s *shape, values map[string]*array) error {
	a := d.blocks[0].attn
	if a.cos == "" {
		return nil
	}
	freq, magnitude, err := frequencies(a, values[a.cos], values[a.sin])
	if err != nil {
		return err
	}
	for _, b := range d.blocks[1:] {
		f, _, err := frequencies(b.attn, values[b.attn.cos], values[b.attn.sin])
		if err != nil {
			return err
		}
		if !close32(f, freq, 1e-5) {
			return unknown(b.attn.q.y, "blocks whose rotations differ are not supported")
		}
	}
	// Angles are repeated where cosine and sine have a value for each dimension.
	if n := len(freq) / 2; !a.caches && n > 0 && close32(freq[:n], freq[n:], 1e-6) {
		freq = freq[:n]
	}
	s.magnitude, s.ropeDim = magnitude, 2*len(freq)
	if s.ropeDim > s.headDim {
		return unknown(a.q.y, "a rotation of %d of %d head dimensions", s.ropeDim, s.headDim)
	}
	s.base(freq)
	return nil
}

// frequencies are the angles of position 1.
func frequencies(a *attention, cos, sin *array) (freq []float32, magnitude float32, err error) {
	if cos == nil || sin == nil || len(cos.F) != len(sin.F) || len(cos.Dims) < 2 {
		return nil, 0, unknown(a.q.y, "a rotation whose cosines and sines do not fit")
	}
	n := cos.Dims[len(cos.Dims)-1]
	if n < 1 || len(cos.F) < 2*n {
		return nil, 0, unknown(a.q.y, "a rotation with tables of one position")
	}
	freq = make([]float32, n)
	for i := range freq {
		c, s := float64(cos.F[n+i]), float64(sin.F[n+i])
		freq[i] = float32(math.Atan2(s, c))
		magnitude = float32(math.Hypot(c, s))
	}
	if math.Abs(float64(magnitude)-1) < 1e-3 {
		magnitude = 1
	}
	return freq, magnitude, nil
}

// base finds the base whose powers the frequencies are, or else divisors of those of
// base 10,000.
func (s *shape) base(freq []float32) {
	n := float64(len(freq))
	last := len(freq) - 1
	s.ropeBase = 10000
	if last > 0 && freq[last] > 0 {
		s.ropeBase = float32(math.Pow(float64(freq[last]), -n/float64(last)))
	}
	if r := roundDigits(float64(s.ropeBase), 3); math.Abs(r/float64(s.ropeBase)-1) < 2e-3 {
		s.ropeBase = float32(r)
	}
	if close32(powers(s.ropeBase, len(freq)), freq, 2e-3) {
		return
	}
	s.ropeBase, s.ropeFactors = 10000, powers(10000, len(freq))
	for i := range freq {
		s.ropeFactors[i] /= freq[i]
	}
}

func powers(base float32, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.Pow(float64(base), -float64(i)/float64(n)))
	}
	return out
}

func roundDigits(x float64, digits int) float64 {
	m := math.Pow(10, math.Floor(math.Log10(x))-float64(digits)+1)
	return math.Round(x/m) * m
}

// close32 compares two lists up to a relative error.
func close32(a, b []float32, tol float64) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool {
		return !(math.Abs(float64(x-y)) > tol*(1e-6+math.Abs(float64(y))))
	})
}
