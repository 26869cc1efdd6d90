package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/simd/internal/simdtest"
)

// halvesOfHeads are every width with and without assembly, and those of real heads.
var halvesOfHeads = []int{1, 2, 3, 4, 5, 8, 12, 16, 20, 24, 32, 40, 48, 64, 128}

// TestRotate compares with float64 at both ends of guarded memory, in place and not,
// and requires the same bits of a head whatever heads are beside it.
func TestRotate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	g := [4]*simdtest.Guard{}
	for i := range g {
		g[i] = simdtest.NewGuard(t, 4*2*128*5)
	}
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		for _, half := range halvesOfHeads {
			for _, heads := range []int{0, 1, 2, 5} {
				for _, halves := range []bool{false, true} {
					for _, last := range []bool{false, true} {
						c := rotation{half: half, heads: heads, halves: halves, sign: float32(1 - 2*(heads&1))}
						c.check(t, rng, g, last)
					}
				}
			}
		}
	})
}

type rotation struct {
	half, heads int
	halves      bool
	sign        float32
}

func (c rotation) check(t *testing.T, rng *rand.Rand, g [4]*simdtest.Guard, last bool) {
	t.Helper()
	take := func(i, n int) []float32 {
		if last {
			return g[i].LastFloats(n)
		}
		return g[i].FirstFloats(n)
	}
	n := 2 * c.half * c.heads
	dst, x, cos, sin := take(0, n), take(1, n), take(2, c.half), take(3, c.half)
	for _, b := range [][]float32{dst, x, cos, sin} {
		random(rng, b)
	}
	before := slices.Clone(x)
	simdtest.NoFault(t, func() { simd.Rotate(dst, x, cos, sin, c.sign, c.halves) })
	if !slices.Equal(x, before) {
		t.Fatalf("%+v: x was changed", c)
	}
	for h := range c.heads {
		for i := range c.half {
			j, k := 2*i, 2*i+1
			if c.halves {
				j, k = i, i+c.half
			}
			j, k = h*2*c.half+j, h*2*c.half+k
			a, b := float64(x[j]), float64(x[k])
			co, si := float64(cos[i]), float64(c.sign*sin[i])
			bound := 4e-7 * (math.Abs(a) + math.Abs(b)) * (math.Abs(co) + math.Abs(si))
			if u, v := math.Abs(float64(dst[j])-(a*co-b*si)), math.Abs(float64(dst[k])-(b*co+a*si)); !(u <= bound && v <= bound) {
				t.Fatalf("%+v: pair %d of head %d is off by %g and %g", c, i, h, u, v)
			}
		}
		one := make([]float32, 2*c.half)
		simd.Rotate(one, x[h*2*c.half:(h+1)*2*c.half], cos, sin, c.sign, c.halves)
		if !slices.Equal(one, dst[h*2*c.half:(h+1)*2*c.half]) {
			t.Fatalf("%+v: head %d alone has other bits", c, h)
		}
	}
	simd.Rotate(x, x, cos, sin, c.sign, c.halves)
	if !slices.Equal(x, dst) {
		t.Fatalf("%+v: in place is another result", c)
	}
}

func TestRotateSpecial(t *testing.T) {
	simdtest.EachTier(t, func(t *testing.T) { //nolint:thelper // a subtest, not a helper
		for _, halves := range []bool{false, true} {
			x, one, zero := make([]float32, 32), make([]float32, 16), make([]float32, 16)
			for i := range one {
				one[i] = 1
			}
			x[0], x[5], x[31] = float32(math.NaN()), 1e-45, 3e38
			dst := make([]float32, 32)
			simd.Rotate(dst, x, one, zero, 1, halves)
			for i, v := range x {
				if partner := (halves && i == 16 || !halves && i == 1) || i == 0; partner != (dst[i] != dst[i]) || !partner && dst[i] != v {
					t.Errorf("halves %v: element %d became %g", halves, i, dst[i])
				}
			}
		}
	})
	for name, f := range map[string]func(){
		"odd head": func() {
			simd.Rotate(make([]float32, 6), make([]float32, 6), make([]float32, 2), make([]float32, 2), 1, true)
		},
		"dst": func() {
			simd.Rotate(make([]float32, 3), make([]float32, 4), make([]float32, 2), make([]float32, 2), 1, true)
		},
		"no pairs": func() { simd.Rotate(nil, nil, nil, nil, 1, true) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkRotate(b *testing.B) {
	for _, halves := range []bool{false, true} {
		b.Run(fmt.Sprintf("halves=%v", halves), func(b *testing.B) {
			simdtest.BenchEachTier(b, func(b *testing.B) { //nolint:thelper // a sub-benchmark, not a helper
				x, cos, sin := make([]float32, 9*64), make([]float32, 32), make([]float32, 32)
				b.SetBytes(4 * 9 * 64)
				for b.Loop() {
					simd.Rotate(x, x, cos, sin, 1, halves)
				}
			})
		})
	}
}
