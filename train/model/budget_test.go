package model_test

import (
	"math"
	"testing"

	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// TestActivationBudget: whatever part of the blocks is computed again, loss,
// gradients of weights and of gains, and the gradient left in a watched block are
// those of a pass that keeps everything, to the bit.
func TestActivationBudget(t *testing.T) {
	for name := range files {
		t.Run(name, func(t *testing.T) {
			m := open(t, name).Truncate(5)
			var params []*nn.Param
			for l := 1; l < 5; l++ {
				for _, k := range []model.Kind{model.FFNDown, model.AttnQ} {
					r := model.Role{Kind: k, Block: l}
					d := nn.NewDelta(r.String(), m.Original(r))
					m.SetMatrix(r, d)
					params = append(params, d.Params()...)
				}
			}
			params = append(params, m.Gain(model.Role{Kind: model.FFNNorm, Block: 2}).Train("gain"))
			var ids [2][]int32
			targets, weight := []int32{}, []float32{}
			for i := range 60 {
				ids[i%2] = append(ids[i%2], int32(1000+i*7919%20000))
				targets, weight = append(targets, int32(i*11)), append(weight, 0.1)
			}
			pass := func(tp *nn.Tape, budget int64) (all []float32, loss float64, kept int64) {
				tp.Reset()
				h := m.Forward(tp, model.NewBatch(ids[0], ids[1]), model.ForwardOptions{WatchBlocks: true, ActivationBudget: budget})
				loss = nn.CrossEntropy(tp, h.Last, m.Head(), targets, weight)
				tp.Backward()
				for _, p := range params {
					all = append(all, p.G...)
					clear(p.G)
				}
				for _, b := range h.Blocks {
					all = append(all, b.G...)
				}
				return all, loss, tp.Bytes()
			}
			want, loss, full := pass(nn.NewTape(m.Pool(), true), 0)
			perBlock := full / 8
			for _, budget := range []int64{1, 2 * perBlock, 3 * perBlock, 1 << 40} {
				tp := nn.NewTape(m.Pool(), true)
				for range 2 {
					got, l, _ := pass(tp, budget)
					if l != loss || len(got) != len(want) {
						t.Fatalf("budget %d: loss %v of %d values, want %v of %d", budget, l, len(got), loss, len(want))
					}
					for i, g := range got {
						if math.Float32bits(g) != math.Float32bits(want[i]) {
							t.Fatalf("budget %d: gradient %d is %g, want %g", budget, i, g, want[i])
						}
					}
				}
			}
		})
	}
}

func TestLowestTrained(t *testing.T) {
	m, ref := open(t, "smollm2").Truncate(4), open(t, "smollm2").Truncate(4)
	if b := m.LowestTrained(); b != 4 || !m.SameBelow(ref, 4) || m.SameBelow(ref, 5) {
		t.Errorf("nothing trains, but the lowest trained block is %d", b)
	}
	m.Gain(model.Role{Kind: model.FFNNorm, Block: 3}).Train("gain")
	if b := m.LowestTrained(); b != 3 || !m.SameBelow(ref, 3) || m.SameBelow(ref, 4) {
		t.Errorf("a gain of block 3 trains, but the lowest trained block is %d", b)
	}
	r := model.Role{Kind: model.AttnV, Block: 1}
	m.SetMatrix(r, nn.NewDelta("", m.Original(r)))
	if b := m.LowestTrained(); b != 1 {
		t.Errorf("attn_v of block 1 trains, but the lowest trained block is %d", b)
	}
	r = model.Role{Kind: model.TokenEmbd}
	m.SetMatrix(r, nn.NewDelta("", m.Original(r)))
	if b := m.LowestTrained(); b != 0 || m.SameBelow(ref, 0) {
		t.Errorf("the embedding trains, but the lowest trained block is %d", b)
	}
}
