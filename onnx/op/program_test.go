package op_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/onnx/op"
	"github.com/detox-surgery/detox-surgery/simd"
)

// golden is a case of testdata/ort.zip, its bytes changed before they are read.
func golden(t *testing.T, name string, change ...string) (m *onnx.Model, inputs map[string]*op.Value) {
	t.Helper()
	for file, b := range testenv.Zip(t, filepath.Join("testdata", "ort.zip")) {
		if file != name+".onnx" {
			continue
		}
		for i := 0; i < len(change); i += 2 {
			if len(change[i]) != len(change[i+1]) || !bytes.Contains(b, []byte(change[i])) {
				t.Fatalf("cannot change %s", change[i])
			}
			b = bytes.ReplaceAll(b, []byte(change[i]), []byte(change[i+1]))
		}
		var err error
		if m, err = onnx.Parse(b); err != nil {
			t.Fatal(err)
		}
	}
	if m == nil {
		t.Fatalf("no golden %s", name)
	}
	return m, goldenInputs(t, m)
}

func goldenInputs(t *testing.T, m *onnx.Model) map[string]*op.Value {
	t.Helper()
	inputs := map[string]*op.Value{}
	for _, in := range m.Graph.Inputs {
		v, err := valueOf(m.Graph.Initializer(in.Name))
		if err != nil {
			t.Fatal(err)
		}
		inputs[in.Name] = v
	}
	return inputs
}

func program(t *testing.T, m *onnx.Model, o op.Options) *op.Program {
	t.Helper()
	p, err := op.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMissingOperators wants all of them in one error.
func TestMissingOperators(t *testing.T) {
	m, _ := golden(t, "loop_branch", "ReduceSum", "ReduceSam", "Cast", "Cost")
	_, err := op.New(m, op.Options{})
	if !errors.Is(err, op.ErrUnsupported) || !strings.Contains(err.Error(), "ReduceSam") || !strings.Contains(err.Error(), "Cost") {
		t.Errorf("%v", err)
	}
}

// TestUnknownVersion changes the opset import from 13 to 127.
func TestUnknownVersion(t *testing.T) {
	m, _ := golden(t, "opset13_cast_half", "B\x04\n\x00\x10\r", "B\x04\n\x00\x10\x7f")
	if _, err := op.New(m, op.Options{}); !errors.Is(err, op.ErrUnsupported) || !strings.Contains(err.Error(), "127") {
		t.Errorf("%v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m, in := golden(t, "opset11_expand")
	if _, err := program(t, m, op.Options{MaxMemory: 351}).Run(in, []string{"y0"}); !errors.Is(err, op.ErrMemory) || !strings.Contains(err.Error(), "Expand") {
		t.Errorf("24 floats and what holds them in 351 bytes: %v", err)
	}
	if _, err := program(t, m, op.Options{MaxMemory: 352}).Run(in, []string{"y0"}); err != nil {
		t.Errorf("24 floats in 352 bytes: %v", err)
	}
	in["x1"].I = []int64{1 << 40, 1 << 40, 1 << 40}
	if _, err := program(t, m, op.Options{}).Run(in, []string{"y0"}); err == nil {
		t.Error("2^120 elements")
	}
	in["x1"].I = []int64{1 << 30, 0, 1}
	if _, err := program(t, m, op.Options{}).Run(in, []string{"y0"}); err == nil {
		t.Error("2^30 rows of no elements")
	}
}

func TestStepsAreBounded(t *testing.T) {
	m, in := golden(t, "loop_branch")
	if _, err := program(t, m, op.Options{MaxSteps: 5}).Run(in, []string{"y0"}); err == nil || !strings.Contains(err.Error(), "5 steps") {
		t.Errorf("%v", err)
	}
}

// TestEndlessLoop stops at either bound.
func TestEndlessLoop(t *testing.T) {
	m, in := golden(t, "loop_idle")
	in["x0"].I[0] = 1 << 40
	if _, err := program(t, m, op.Options{MaxSteps: 1000}).Run(in, []string{"y0"}); err == nil || !strings.Contains(err.Error(), "1000 steps") {
		t.Errorf("%v", err)
	}
	if _, err := program(t, m, op.Options{MaxMemory: 1 << 16}).Run(in, []string{"y0"}); !errors.Is(err, op.ErrMemory) {
		t.Errorf("%v", err)
	}
}

// TestInnerValues asks for a value inside the graph, without what only others need.
func TestInnerValues(t *testing.T) {
	m, in := golden(t, "loop_branch")
	out, err := program(t, m, op.Options{}).Run(map[string]*op.Value{"x2": in["x2"]}, []string{"outer"})
	if err != nil || !slices.Equal(out["outer"].F, []float32{-0.5, -1.2}) {
		t.Errorf("%v, %v", out["outer"], err)
	}
}

func TestBadInputs(t *testing.T) {
	m, in := golden(t, "opset11_expand")
	p := program(t, m, op.Options{})
	for what, v := range map[string]*op.Value{
		"another type":      op.Ints([]int{3, 1}, make([]int64, 3)),
		"too few elements":  op.Floats([]int{3, 1}, make([]float32, 2)),
		"negative":          op.Floats([]int{-1, -3}, make([]float32, 3)),
		"does not go along": op.Floats([]int{3, 3}, make([]float32, 9)),
		"nothing":           nil,
	} {
		if _, err := p.Run(map[string]*op.Value{"x0": v, "x1": in["x1"]}, []string{"y0"}); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := p.Run(map[string]*op.Value{"x9": in["x0"]}, nil); err == nil {
		t.Error("an input that the model does not have")
	}
	if _, err := p.Run(in, []string{"y9"}); err == nil {
		t.Error("an output that the model does not have")
	}
}

// TestSameBitsForAnyWorkers also runs programs side by side, on one pool.
func TestSameBitsForAnyWorkers(t *testing.T) {
	pool := simd.NewPool(3)
	defer pool.Close()
	var group sync.WaitGroup
	archive(t, filepath.Join("testdata", "ort.zip"), func(name string, m *onnx.Model) {
		in := goldenInputs(t, m)
		alone, shared := program(t, m, op.Options{}), program(t, m, op.Options{Pool: pool})
		want, err := alone.Run(in, alone.Outputs())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for range 2 {
			group.Go(func() {
				got, err := shared.Run(in, shared.Outputs())
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				for k, v := range want {
					if differs(got[k], v, 0, 0, 0) != nil && !slices.ContainsFunc(v.F, func(x float32) bool { return x != x }) {
						t.Errorf("%s: %s has other bits", name, k)
					}
				}
			})
		}
	})
	group.Wait()
}
