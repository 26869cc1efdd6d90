package surgery_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/internal/testenv"
	"github.com/detox-surgery/detox-surgery/internal/testmodel"
	"github.com/detox-surgery/detox-surgery/surgery"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/surgery/internal/tinymodel"
	"github.com/detox-surgery/detox-surgery/surgery/locate"
	"github.com/detox-surgery/detox-surgery/surgery/pairs"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

func TestPresets(t *testing.T) {
	for _, name := range surgery.Presets {
		c, err := surgery.Preset(name)
		if err != nil || c.Check() != nil {
			t.Errorf("%s: %v, %v", name, err, c.Check())
		}
	}
	if _, err := surgery.Preset("instant"); err == nil {
		t.Error("an unknown preset was accepted")
	}
	for _, spoil := range []func(*surgery.Config){
		func(c *surgery.Config) { c.Method = "magic" },
		func(c *surgery.Config) { c.Rounding = "up" },
		func(c *surgery.Config) { c.Trainable.How = "all" },
		func(c *surgery.Config) { c.Train.LR = 0 },
		func(c *surgery.Config) { c.Train.Precision = "half" },
		func(c *surgery.Config) { c.Train.ContextShare = 2 },
		func(c *surgery.Config) { c.MaxPairs = -1 },
	} {
		c, _ := surgery.Preset("quick")
		spoil(&c)
		if c.Check() == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestDefaultPrompts(t *testing.T) {
	a, plain := surgery.DefaultPrompts(90, 1)
	b, _ := surgery.DefaultPrompts(90, 1)
	if !slices.Equal(a, b) || len(plain) != 90 {
		t.Error("the same seed gives other prompts")
	}
	for i, p := range a {
		if strings.Count(p, "\n") != 4 || !strings.HasSuffix(p, "\n"+plain[i]) {
			t.Fatalf("prompt %d is not four lines and a start", i)
		}
		if slices.Contains(pairs.Beginnings(), plain[i]) {
			t.Errorf("start %q is also a beginning of training pairs", plain[i])
		}
	}
}

// TestInstall trains nothing: every way to install handles must leave the model's
// own weights in effect, give parameters, and yield an empty edit.
func TestInstall(t *testing.T) {
	m := testmodel.Open(t, testenv.SmolLM2, 2)
	neurons := []locate.Neuron{{Block: 28, Index: 7}, {Block: 29, Index: 3}}
	for _, how := range []surgery.How{surgery.Carriers, surgery.Grid, surgery.Delta, surgery.Columns} {
		in, err := surgery.Install(m, surgery.Trainable{How: how, Targets: "ffn_down", From: 28, To: 29, Neurons: 2, Gains: true}, neurons)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if len(in.Params()) < 4 {
			t.Errorf("%s: %d parameters", how, len(in.Params()))
		}
		role := model.Role{Kind: model.FFNDown, Block: 29}
		if _, ok := m.Matrix(role).(nn.Trainable); !ok {
			t.Errorf("%s: the handle is not installed", how)
		}
		w, o := m.Matrix(role), m.Original(role)
		x, y := make([]float32, w.Cols()), make([]float32, w.Cols())
		w.DequantRows(x, len(x), 5, 6)
		o.DequantRows(y, len(y), 5, 6)
		for i := range x {
			if d := x[i] - y[i]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("%s: weight [5,%d] is %g before any step, was %g", how, i, x[i], y[i])
			}
		}
		if how != surgery.Grid { // its deltas are rounding noise of the decoder's order of operations
			if e := in.Edit(edit.Meta{}); len(e.Parts) != 0 {
				t.Errorf("%s: an untrained edit has %d parts", how, len(e.Parts))
			}
		}
		in.Remove()
		if m.Matrix(role) != m.Original(role) {
			t.Errorf("%s: Remove leaves a handle", how)
		}
	}
	if _, err := surgery.Install(m, surgery.Trainable{How: surgery.Carriers, Targets: "ffn_down", From: 5, To: 99}, nil); err == nil {
		t.Error("blocks beyond the model were accepted")
	}
}

// Super-blocks of 256 weights have too few scales to carry an edit of ffn_down alone.
func TestAutoTargets(t *testing.T) {
	for typ, want := range map[quant.Type]int{quant.Q4_1: 1, quant.Q4K: 3} {
		m := tinymodel.Open(t, tinymodel.Config{Type: typ, Seed: 1})
		roles, err := surgery.Trainable{How: surgery.Carriers, Targets: "auto", To: -1}.Roles(m)
		if err != nil || len(roles) != want*tinymodel.Blocks {
			t.Errorf("%v: %d roles (%v), want %d in each of %d blocks", typ, len(roles), err, want, tinymodel.Blocks)
		}
	}
}
