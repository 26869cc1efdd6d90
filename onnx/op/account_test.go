package op

import (
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/onnx"
)

// TestAccount holds what a run believes to use against the values that it has at its
// end: what is let go is counted once, in loops and functions too.
func TestAccount(t *testing.T) {
	for name, b := range testenv.Zip(t, "testdata/ort.zip") {
		m, err := onnx.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		live, want := account(t, p)
		if live != want {
			t.Errorf("%s: %d bytes in use, %d expected", strings.TrimSuffix(name, ".onnx"), live, want)
		}
	}
}

// account runs a golden and gives what the run counts and what its values take.
func account(t *testing.T, p *Program) (live, want int64) {
	t.Helper()
	r := p.newRun()
	f := &frame{run: r, plan: p.main, values: map[string]*Value{}}
	if err := f.evaluate(p.Outputs()); err != nil {
		t.Fatalf("%s: %v", p.m.Graph.Name, err)
	}
	seen := map[*buffer]bool{}
	for _, v := range f.values {
		if v.buf != nil && !seen[v.buf] {
			seen[v.buf] = true
			want += v.buf.bytes
		}
	}
	return r.live, want
}
