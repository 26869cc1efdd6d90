//go:build !purego

package simd

// hasSearch: eight lanes are what a K-quant has runs for, so that wider tiers use
// the same code.
func hasSearch() bool { return Active() == AVX2 || Active() == AVX512 }

func (s *Search) affine(x []float32, top int, numerators []float32) bool {
	if !hasSearch() || len(numerators) == 0 {
		return false
	}
	transpose8(&s.mem[0][0], 8, &x[0], 32, 32)
	return searchAffineAVX2(s, float32(top), &numerators[0], len(numerators))
}

func (s *Search) symmetric(x []float32, top int, numerators []float32) bool {
	if !hasSearch() || len(numerators) == 0 {
		return false
	}
	for half := range 2 {
		transpose8(&s.mem[0][0], 8, &x[128*half], 16, 16)
		if !searchSymmetricAVX2(s, &s.Scale[8*half], float32(top), &numerators[0], len(numerators)) {
			return false
		}
	}
	return true
}

func roundAffine(codes *[256]uint8, x []float32, scale, offset *[8]float32, top int) bool {
	if !hasSearch() {
		return false
	}
	roundAffineAVX2(codes, &x[0], scale, offset, float32(top))
	return true
}

func roundSymmetric(codes *[256]uint8, x []float32, scale *[16]float32, top int) bool {
	if !hasSearch() {
		return false
	}
	roundSymmetricAVX2(codes, &x[0], scale, top)
	return true
}

// searchAffineAVX2 expects the weights in s.mem, a run per column.
//
//go:noescape
func searchAffineAVX2(s *Search, top float32, numerators *float32, n int) bool

// searchSymmetricAVX2 expects the weights of eight runs of 16 in s.mem and writes
// their eight scales.
//
//go:noescape
func searchSymmetricAVX2(s *Search, scale *float32, top float32, numerators *float32, n int) bool

//go:noescape
func roundAffineAVX2(codes *[256]uint8, x *float32, scale, offset *[8]float32, top float32)

//go:noescape
func roundSymmetricAVX2(codes *[256]uint8, x *float32, scale *[16]float32, top int)

// searchTable holds constants of search_avx2_amd64.s.
var searchTable = [...]float32{ //nolint:unused // read by assembly
	12582912, // 1.5 * 2^23: what is added to it is rounded to an integer
	1. / 32,
	1 << 21, // codes below it are rounded right
	1e-15,   // runs below it count as zero
	1,
}
