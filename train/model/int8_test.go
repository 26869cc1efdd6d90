package model_test

import (
	"math"
	"testing"

	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/nn"
)

// TestInt8Logits compares passes with and without 8-bit products over a fixed
// text: the most probable token stays at nearly all positions, the error of logits
// is small against their spread, and the distribution hardly moves.
func TestInt8Logits(t *testing.T) {
	for name := range files {
		t.Run(name, func(t *testing.T) {
			m := open(t, name)
			var g logitsGolden
			golden(t, "logits-"+name+".json", &g)
			tp := nn.NewTape(m.Pool(), false)
			tp.SetInt8(true)
			same, all := 0, 0
			var kl, noise, spread float64
			for _, p := range g.Prompts[:3] {
				want := logits(m, p.IDs)
				for at, got := range logitsOn(tp, m, p.IDs) {
					all++
					if argmax(got) == argmax(want[at]) {
						same++
					}
					kl += divergence(want[at], got)
					n, s := variances(want[at], got)
					noise, spread = noise+n, spread+s
				}
			}
			top, ratio := float64(same)/float64(all), math.Sqrt(noise/spread)
			t.Logf("%d positions: same token at %.1f %%, error/spread of logits %.4f, mean KL %.5f", all, 100*top, ratio, kl/float64(all))
			if top < 0.95 || ratio > 0.06 || kl/float64(all) > 0.005 {
				t.Error("8-bit products are further off than they were")
			}
		})
	}
}

// divergence is KL(softmax(a) || softmax(b)).
func divergence(a, b []float32) float64 {
	la, lb := logSum(a), logSum(b)
	kl := 0.0
	for i := range a {
		x, y := float64(a[i])-la, float64(b[i])-lb
		kl += math.Exp(x) * (x - y)
	}
	return kl
}

func logSum(x []float32) float64 {
	top := float64(x[argmax(x)])
	s := 0.0
	for _, v := range x {
		s += math.Exp(float64(v) - top)
	}
	return top + math.Log(s)
}

// variances are those of b - a and of a: softmax does not see their means.
func variances(a, b []float32) (noise, spread float64) {
	var d1, d2, s1, s2 float64
	for i, v := range a {
		d, s := float64(b[i])-float64(v), float64(v)
		d1, d2, s1, s2 = d1+d, d2+d*d, s1+s, s2+s*s
	}
	n := float64(len(a))
	return d2/n - d1/n*d1/n, s2/n - s1/n*s1/n
}

// TestInt8DoesNotDependOnBatch: a sequence gets the same tokens in any company,
// down to alone, where products have one row.
func TestInt8DoesNotDependOnBatch(t *testing.T) {
	m := open(t, "smollm2")
	prompts := manyPrompts(t)
	o := model.GenOptions{MaxNew: 8, Sample: true, TopP: 0.9, Temp: 1, Seed: 3, Int8: true}
	want := model.Generate(m, prompts, o)
	for _, batch := range []int{1, 3} {
		o.Batch = batch
		compare(t, "sampled", model.Generate(m, prompts, o), want)
	}
	o.First = 3
	compare(t, "alone", model.Generate(m, prompts[3:4], o), want[3:4])
}
