package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// pickSorted is draw by a full sort, as torch_repo.py does it.
func pickSorted(p []float32, topP, u float64) int32 {
	ids := make([]int32, len(p))
	for i := range ids {
		ids[i] = int32(i)
	}
	slices.SortStableFunc(ids, func(a, b int32) int {
		switch {
		case p[a] > p[b]:
			return -1
		case p[a] < p[b]:
			return 1
		}
		return 0
	})
	n, kept := 0, 0.0
	for n < len(ids) && kept < topP {
		kept += float64(p[ids[n]])
		n++
	}
	cum := 0.0
	for _, id := range ids[:n] {
		cum += float64(p[id])
		if cum > u*kept {
			return id
		}
	}
	return ids[n-1]
}

func TestDrawEqualsFullSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, vocab := range []int{1, 2, 7, 300, 5000} {
		w := &pickScratch{p: make([]float32, vocab), mass: make([]float64, numBuckets)}
		for _, spread := range []float64{0, 0.1, 2, 8, 60} {
			logits := make([]float32, vocab)
			for i := range logits {
				logits[i] = float32(spread * math.Round(8*rng.NormFloat64()) / 8) // with ties
			}
			for _, topP := range []float64{1e-9, 0.3, 0.9, 1} {
				for range 50 {
					u := rng.Float64()
					got := w.draw(logits, 1, topP, u)
					if want := pickSorted(w.p, topP, u); got != want && math.Abs(float64(w.p[got]-w.p[want])) > 1e-7 {
						t.Fatalf("vocab %d spread %g top-p %g u %g: token %d (%g), full sort %d (%g)", vocab, spread, topP, u, got, w.p[got], want, w.p[want])
					}
				}
			}
		}
	}
}

func TestDrawFollowsDistribution(t *testing.T) {
	w := &pickScratch{p: make([]float32, 4), mass: make([]float64, numBuckets)}
	logits := []float32{float32(math.Log(0.1)), float32(math.Log(0.4)), float32(math.Log(0.3)), float32(math.Log(0.2))}
	var count [4]int
	const n = 20000
	for i := range n {
		count[w.draw(logits, 1, 0.65, uniform(5, uint64(i), 0))]++
	}
	// 0.4 and 0.3 reach 0.65; the others are cut.
	if count[0] != 0 || count[3] != 0 || math.Abs(float64(count[1])/n-4.0/7) > 0.01 {
		t.Errorf("draws %v of %d", count, n)
	}
	w.draw(logits, 0.5, 1, 0)
	if p := float64(w.p[1]); math.Abs(p-0.16/0.30) > 1e-5 {
		t.Errorf("at temperature 1/2 the likeliest has probability %g", p)
	}
}

// TestUniform holds draws to numbers printed by torch_repo.py's uniform.
func TestUniform(t *testing.T) {
	for _, c := range []struct {
		seed, prompt, step uint64
		want               float64
	}{{1, 0, 0, 0.6935121390102292}, {7, 1, 0, 0.98355711333702}, {7, 399, 19, 0.024484220685948355}, {18446744073709551615, 2, 3, 0.9386090038521101}} {
		if got := uniform(c.seed, c.prompt, c.step); got != c.want {
			t.Errorf("uniform(%d, %d, %d) = %v, want %v", c.seed, c.prompt, c.step, got, c.want)
		}
	}
}

func TestExtendDoesNotDependOnOthers(t *testing.T) {
	m := tiny(t, "gemma3")
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(n int) []int32 {
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = int32(rng.IntN(m.cfg.Vocab))
		}
		return ids
	}
	a, others := random(30), [][]int32{random(3), random(11), random(1), random(7), random(2), random(40)}
	alone, many := m.NewSession(1, 50), m.NewSession(7, 50)
	alone.minRows, many.minRows = tileRows, tileRows
	slots := []int{0, 1, 2, 3, 4, 5, 6}
	for _, part := range [][]int32{a[:20], a[20:21], a[21:28], a[28:]} {
		want := alone.Extend([]int{0}, [][]int32{part})
		got := many.Extend(slots, append([][]int32{part}, others...))[:m.cfg.Vocab]
		if !slices.Equal(got, want) {
			t.Fatalf("logits after %d tokens depend on other sequences", alone.Len(0))
		}
		for i := range others {
			others[i] = random(1)
		}
	}
}

func TestArgmax(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, n := range []int{1, 5, 4096, 4097, 10000} {
		for at := 0; at < n; at += 1 + n/7 {
			x := make([]float32, n)
			x[at] = 2
			x[n-1] = max(x[n-1], 2) // an equal later on
			x[(at+3)%n] -= 1
			want := 0
			for i, v := range x {
				if v > x[want] {
					want = i
				}
			}
			if got := argmax(x); int(got) != want {
				t.Errorf("n=%d: %d, want %d", n, got, want)
			}
		}
	}
	for _, c := range []struct {
		x    []float32
		want int32
	}{{[]float32{nan, 1, 2}, 2}, {[]float32{-inf, -inf}, 0}, {[]float32{nan, nan}, 0}, {[]float32{0, nan, inf, inf}, 2}} {
		if got := argmax(c.x); got != c.want {
			t.Errorf("%v: %d, want %d", c.x, got, c.want)
		}
	}
}
