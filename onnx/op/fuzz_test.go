package op_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/onnx/op"
)

// FuzzProgram: no small model makes the runtime fail other than by an error, take more
// than its memory, or run on and on.
func FuzzProgram(f *testing.F) {
	for _, path := range []string{"testdata/nodes.zip", "testdata/microsoft.zip", "testdata/ort.zip"} {
		seeds(f, path)
	}
	f.Fuzz(func(t *testing.T, data []byte) { runSmall(t, data) })
}

// runSmall runs a model on those of its initializers that are named as inputs.
func runSmall(t *testing.T, data []byte) {
	t.Helper()
	m, err := onnx.Parse(data)
	if err != nil || m.Graph == nil {
		return
	}
	inputs := map[string]*op.Value{}
	var outputs []string
	for _, x := range m.Graph.Initializers {
		for _, in := range m.Graph.Inputs {
			if in.Name != x.Name || x.Len() > 1<<12 {
				continue
			}
			if v, err := valueOf(x); err == nil {
				inputs[in.Name] = v
			}
		}
	}
	for _, o := range m.Graph.Outputs {
		outputs = append(outputs, o.Name)
	}
	p, err := op.New(m, op.Options{MaxMemory: 1 << 20, MaxSteps: 10_000})
	if err != nil {
		return
	}
	start := time.Now()
	_, err = p.Run(inputs, outputs)
	if time.Since(start) > 5*time.Second {
		t.Fatalf("ran for %v (%v)", time.Since(start), err)
	}
	if err != nil && strings.Contains(err.Error(), "internal error") { // a recovered panic
		t.Fatal(err)
	}
}

// seeds adds every tenth case of an archive.
func seeds(f *testing.F, path string) {
	f.Helper()
	i := 0
	for _, b := range testenv.Zip(f, path) {
		if i++; i%10 == 0 && len(b) < 4<<10 {
			f.Add(b)
		}
	}
}

// FuzzNode changes bytes of goldens in place, so that what is left is more often a
// model: other dimensions, attributes, indices and names.
func FuzzNode(f *testing.F) {
	var cases [][]byte
	for _, path := range []string{"testdata/nodes.zip", "testdata/microsoft.zip", "testdata/ort.zip"} {
		for _, b := range testenv.Zip(f, path) {
			if len(b) < 8<<10 {
				cases = append(cases, b)
			}
		}
	}
	for i := range len(cases) / 20 {
		f.Add(uint16(20*i), []byte{1, byte(i), 255, 7, 2, byte(i * 3)})
	}
	f.Fuzz(func(t *testing.T, which uint16, edits []byte) {
		data := slices.Clone(cases[int(which)%len(cases)])
		for at := 0; len(edits) >= 3; edits = edits[3:] {
			at = (at + int(edits[0]) + int(edits[1])<<8) % len(data)
			data[at] = edits[2]
		}
		runSmall(t, data)
	})
}
