package op_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/onnx/op"
)

// A golden is a model whose initializers hold its inputs and, as "expect:NAME", what its
// outputs must be.

// archive calls each for every model of a zip file.
func archive(t *testing.T, path string, each func(name string, m *onnx.Model)) {
	t.Helper()
	for name, b := range testenv.Zip(t, path) {
		m, err := onnx.Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		each(strings.TrimSuffix(name, ".onnx"), m)
	}
}

// valueOf decodes a tensor.
func valueOf(t *onnx.Tensor) (v *op.Value, err error) {
	v = &op.Value{Type: t.Type, Dims: make([]int, len(t.Dims))}
	for i, d := range t.Dims {
		v.Dims[i] = int(d)
	}
	switch {
	case t.Type == onnx.String:
		v.S, err = t.Strings()
	case t.Type.IsFloat():
		v.F, err = t.Float32s()
	case t.Type == onnx.Uint64: // as the int64 of the same bits
		var u []uint64
		u, err = t.Uints()
		v.I = make([]int64, len(u))
		for i, x := range u {
			v.I[i] = int64(x)
		}
	default:
		v.I, err = t.Ints()
	}
	return v, err
}

// tolerance is what metadata says, or ONNX's own.
func tolerance(m *onnx.Model) (rtol, atol float64) {
	read := func(key string, fallback float64) float64 {
		s, _ := m.Meta(key)
		if x, err := strconv.ParseFloat(s, 64); err == nil {
			return x
		}
		return fallback
	}
	return read("rtol", 1e-3), read("atol", 1e-7)
}

// errWrong is wrapped where a program computes something else than it must.
var errWrong = errors.New("computed")

// runGolden runs a golden and compares all outputs. A panic is an error like another.
func runGolden(m *onnx.Model) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("panic: %v", e)
		}
	}()
	inputs, want := map[string]*op.Value{}, map[string]*op.Value{}
	given := map[string]bool{}
	for _, in := range m.Graph.Inputs {
		given[in.Name] = true
	}
	for _, t := range m.Graph.Initializers {
		name, isWant := strings.CutPrefix(t.Name, "expect:")
		if !isWant && !given[name] {
			continue
		}
		v, err := valueOf(t)
		if err != nil {
			return err
		}
		if isWant {
			want[name] = v
		} else {
			inputs[name] = v
		}
	}
	p, err := op.New(m, op.Options{MaxMemory: 1 << 28})
	if err != nil {
		return err
	}
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	got, err := p.Run(inputs, names)
	if err != nil {
		return err
	}
	rtol, atol := tolerance(m)
	var slack int64
	if _, ok := m.Meta("off_by"); ok {
		slack = 1
	}
	for _, name := range names {
		if err := differs(got[name], want[name], rtol, atol, slack); err != nil {
			return fmt.Errorf("%w: output %s: %w", errWrong, name, err)
		}
	}
	return nil
}

// differs compares a value with what it must be; integers may be slack away.
func differs(got, want *op.Value, rtol, atol float64, slack int64) error {
	switch {
	case got == nil:
		return fmt.Errorf("no value")
	case got.Type != want.Type:
		return fmt.Errorf("type %v, want %v", got.Type, want.Type)
	case !slices.Equal(got.Dims, want.Dims):
		return fmt.Errorf("shape %v, want %v", got.Dims, want.Dims)
	case len(got.F) != len(want.F) || len(got.I) != len(want.I) || len(got.S) != len(want.S):
		return fmt.Errorf("%d floats, %d integers, %d strings; want %d, %d, %d", len(got.F), len(got.I), len(got.S), len(want.F), len(want.I), len(want.S))
	}
	// Narrow floats may be three steps away: ONNX's reference rounds after every node.
	if want.Type == onnx.Float16 {
		rtol = max(rtol, 3.0/1024)
	} else if want.Type == onnx.BFloat16 {
		rtol = max(rtol, 3.0/128)
	}
	for i, y := range want.F {
		x := got.F[i]
		if x == y || x != x && y != y {
			continue
		}
		if d := math.Abs(float64(x) - float64(y)); !(d <= atol+rtol*math.Abs(float64(y))) || math.IsInf(float64(y), 0) {
			return fmt.Errorf("element %d is %g, want %g", i, x, y)
		}
	}
	for i, y := range want.I {
		if d := got.I[i] - y; max(d, -d) > slack {
			return fmt.Errorf("element %d is %d, want %d", i, got.I[i], y)
		}
	}
	for i, y := range want.S {
		if got.S[i] != y {
			return fmt.Errorf("element %d is %q, want %q", i, got.S[i], y)
		}
	}
	return nil
}
