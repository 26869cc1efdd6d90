package onnxlm

import (
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/onnx/op"
	"github.com/detox-surgery/detox-surgery/simd"
)

// newRunner runs the graph of m node by node.
func newRunner(m *onnx.Model, pool *simd.Pool) (runner, error) {
	p, err := op.New(m, op.Options{Pool: pool})
	if err != nil {
		return nil, err
	}
	types := map[string]onnx.Type{}
	for _, in := range m.Graph.Inputs {
		if in.Type != nil {
			types[in.Name] = in.Type.Elem
		}
	}
	return func(inputs map[string]*array, names []string) (map[string]*array, error) {
		in := map[string]*op.Value{}
		for name, a := range inputs {
			in[name] = &op.Value{Type: types[name], Dims: a.Dims, F: a.F, I: a.I}
		}
		values, err := p.Run(in, names)
		if err != nil {
			return nil, err
		}
		out := map[string]*array{}
		for name, v := range values {
			out[name] = &array{Dims: v.Dims, F: v.F, I: v.I}
		}
		return out, nil
	}, nil
}
