package train

import (
	"time"

	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// micro runs forward and backward of a group of items, adds their KL means to kl
// and returns the time that the adversary took.
func (t *Trainer) micro(group []item, w batchWeights, lambda float32, kl *[kinds]float64) time.Duration {
	block := t.block()
	h := t.forward(t.m, t.tape, group, model.ForwardOptions{
		KeepBlocks: t.cfg.Objective.Lambda > 0, Blocks: []int{block}, ActivationBudget: t.cfg.ActivationBudget,
	})
	t.retain(h.Last, group, w, kl)
	var spent time.Duration
	if t.cfg.Objective.Lambda > 0 {
		begin := time.Now()
		t.adversary(h.Blocks[block], group, w, lambda)
		spent = time.Since(begin)
	}
	t.tape.Backward()
	return spent
}

// block is the block whose states the adversary sees.
func (t *Trainer) block() int {
	if b := t.cfg.Objective.Block; b >= 0 {
		return b
	}
	return t.m.Config().Blocks - 1
}

// forward runs the items of a group through m on an emptied tape, from the lowest
// trained block where the cache holds what enters it.
func (t *Trainer) forward(m *model.Model, tape *nn.Tape, group []item, o model.ForwardOptions) *model.Hidden {
	tape.Reset()
	seqs := make([][]int32, len(group))
	for i, it := range group {
		seqs[i] = it.ids
	}
	if x := t.cache.input(t.refTape, group, seqs); x != nil {
		tape.Reset() // it may be the tape that the cache works on
		d := m.Config().Width
		o.From, o.Input = t.cache.from, tape.Const(len(x)/d, d, x)
	}
	return m.Forward(tape, model.NewBatch(seqs...), o)
}

// retain seeds the gradient of the KL terms, one kind after the other.
func (t *Trainer) retain(last *nn.Value, group []item, w batchWeights, kl *[kinds]float64) {
	for k := range kinds {
		var rows []int32
		var ref, weight []float32
		at := 0
		for _, it := range group {
			if it.kind == k {
				for _, r := range it.kl {
					rows = append(rows, int32(at+r))
					weight = append(weight, w.kl[k])
				}
				if len(it.kl) > 0 {
					ref = append(ref, it.ref.h...)
				}
			}
			at += len(it.ids)
		}
		if len(rows) == 0 || w.kl[k] == 0 {
			continue
		}
		sum := nn.KLToRef(t.tape, nn.GatherRows(t.tape, last, rows), ref, t.m.Head(), t.ref.Head(), weight)
		kl[k] += sum * float64(w.mean[k]) / float64(w.kl[k])
	}
}

// adversary seeds the body's gradient on the RMS-normalised states of block and
// keeps the states for the discriminator's own step.
func (t *Trainer) adversary(states *nn.Value, group []item, w batchWeights, lambda float32) {
	var rows []int32
	var labels []bool
	at := 0
	for _, it := range group {
		for _, r := range it.adv {
			rows = append(rows, int32(at+r))
			labels = append(labels, it.toxic)
		}
		at += len(it.ids)
	}
	if len(rows) == 0 {
		return
	}
	u := nn.RMSNorm(t.tape, nn.GatherRows(t.tape, states, rows), nil, t.m.Config().Eps)
	t.states.X = append(t.states.X, u.X[:u.T*u.D]...)
	t.states.Label = append(t.states.Label, labels...)
	t.cfg.Objective.BodyGradient(t.disc, u.X, t.tape.Seed(u), labels, w.toxic, w.benign, lambda)
}
