package model

import (
	"math"
	"slices"

	"github.com/detox-surgery/detox-surgery/simd"
)

// picker chooses next tokens of many sequences, one task per sequence.
type picker struct {
	pool  *simd.Pool
	o     *GenOptions
	vocab int
	work  []pickScratch // by worker
}

// pickScratch is what one draw needs.
type pickScratch struct {
	p    []float32 // [V] probabilities
	mass []float64 // by bucket
	ids  []int32   // members of one bucket
}

// Probabilities are sorted by bucket of their float32 bits, which order as the
// values do: eight buckets per factor of two. Only the buckets that contain the
// top-p cut and the draw are ever sorted, instead of the whole vocabulary.
const (
	bucketShift = 20
	numBuckets  = 0x3f800000>>bucketShift + 1 // up to probability 1
)

func newPicker(pool *simd.Pool, vocab int, o *GenOptions) *picker {
	p := &picker{pool: pool, o: o, vocab: vocab, work: make([]pickScratch, pool.Workers())}
	if o.Sample {
		for i := range p.work {
			p.work[i] = pickScratch{p: make([]float32, vocab), mass: make([]float64, numBuckets)}
		}
	}
	return p
}

// run fills next[i] from row i of logits for the sequence in slots[i], whose
// prompt has number first + slots[i].
func (p *picker) run(next []int32, logits []float32, slots []int, first, step int) {
	p.pool.Do(len(next), func(i, worker int) {
		row := logits[i*p.vocab : (i+1)*p.vocab]
		if !p.o.Sample {
			next[i] = argmax(row)
			return
		}
		u := uniform(p.o.Seed, uint64(first+slots[i]), uint64(step))
		next[i] = p.work[worker].draw(row, p.o.Temp, p.o.TopP, u)
	})
}

// argmax returns the index of the largest value, the first of equals; NaN is none.
// It looks for the value in the first block of the vocabulary that has it.
func argmax(x []float32) int32 {
	const block = 4096
	top, at := float32(math.Inf(-1)), 0
	for lo := 0; lo < len(x); lo += block {
		if m := simd.Max(x[lo:min(lo+block, len(x))]); m > top {
			top, at = m, lo
		}
	}
	for i, v := range x[at:] {
		if v == top {
			return int32(at + i)
		}
	}
	return 0
}

// draw picks a token by inverse distribution function at u: tokens are ordered
// by probability, ties by id; kept are those before which there is less mass
// than topP.
func (w *pickScratch) draw(logits []float32, temp, topP, u float64) int32 {
	w.softmax(logits, temp)
	clear(w.mass)
	for _, p := range w.p {
		w.mass[bucket(p)] += float64(p)
	}
	if topP <= 0 || topP > 1 {
		topP = 1
	}
	kept, last := w.cut(topP)
	target := u * kept
	// The bucket where the running mass passes the target; the last kept token
	// where rounding leaves none.
	before := 0.0
	for b := numBuckets - 1; b >= 0; b-- {
		if w.mass[b] == 0 {
			continue
		}
		if before+w.mass[b] > target || b == bucket(w.p[last]) {
			return w.within(b, before, target, last)
		}
		before += w.mass[b]
	}
	return last
}

// softmax fills w.p.
func (w *pickScratch) softmax(logits []float32, temp float64) {
	if temp > 0 && temp != 1 {
		simd.Scale(w.p, float32(1/temp), logits)
		logits = w.p
	}
	simd.Softmax(w.p, logits)
}

// cut returns the mass of the kept tokens and the least probable of them.
func (w *pickScratch) cut(topP float64) (kept float64, last int32) {
	before := 0.0
	final := -1
	for b := numBuckets - 1; b >= 0; b-- {
		if w.mass[b] == 0 {
			continue
		}
		if before >= topP {
			break
		}
		if before+w.mass[b] >= topP {
			return w.cutWithin(b, before, topP)
		}
		before += w.mass[b]
		final = b
	}
	// Rounding left the whole mass below topP: everything is kept.
	ids := w.sorted(max(final, 0))
	return before, ids[len(ids)-1]
}

func (w *pickScratch) cutWithin(b int, before, topP float64) (kept float64, last int32) {
	ids := w.sorted(b)
	last = ids[0]
	for _, id := range ids {
		if before >= topP {
			break
		}
		before += float64(w.p[id])
		last = id
	}
	return before, last
}

// within returns the token of bucket b at which the running mass, before at its
// start, passes target; at most last.
func (w *pickScratch) within(b int, before, target float64, last int32) int32 {
	ids := w.sorted(b)
	for _, id := range ids {
		before += float64(w.p[id])
		if before > target || id == last {
			return id
		}
	}
	return ids[len(ids)-1]
}

// sorted lists the tokens of bucket b, most probable first, ties by id.
func (w *pickScratch) sorted(b int) []int32 {
	w.ids = w.ids[:0]
	for id, p := range w.p {
		if bucket(p) == b {
			w.ids = append(w.ids, int32(id))
		}
	}
	slices.SortStableFunc(w.ids, func(a, b int32) int {
		switch pa, pb := w.p[a], w.p[b]; {
		case pa > pb:
			return -1
		case pa < pb:
			return 1
		}
		return 0
	})
	return w.ids
}

func bucket(p float32) int {
	return min(int(math.Float32bits(p)>>bucketShift), numBuckets-1)
}

// splitmix64 is one step of the generator of that name.
func splitmix64(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// uniform is the draw for one token, in [0, 1): the same in every implementation
// that draws by (seed, prompt, step).
func uniform(seed, prompt, step uint64) float64 {
	return float64(splitmix64(splitmix64(splitmix64(seed)+prompt)+step)>>11) / (1 << 53)
}
