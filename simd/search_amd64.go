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
	return searchAffineAVX2(s, float32(top), false, &numerators[0], len(numerators), 32, 0)
}

func (s *Search) absolute(x []float32, top int, numerators []float32) bool {
	if !hasSearch() || len(numerators) == 0 {
		return false
	}
	for half := range 2 {
		transpose8(&s.mem[0][0], 8, &x[128*half], 16, 16)
		if !searchAffineAVX2(s, float32(top), true, &numerators[0], len(numerators), 16, 8*half) {
			return false
		}
	}
	return true
}

func (s *Search) climb(x []float32, top int) bool {
	if !hasSearch() {
		return false
	}
	transpose8(&s.mem[0][0], 8, &x[0], 16, 16)
	transpose8(&s.mem[16][0], 8, &x[128], 16, 16)
	return searchClimbAVX2(s, float32(top))
}

func (s *Search) levels(x, numerators []float32) bool {
	if !hasSearch() || len(numerators) == 0 {
		return false
	}
	transpose8(&s.mem[0][0], 8, &x[0], 32, 32)
	return searchLevelsAVX2(s, &numerators[0], len(numerators))
}

func roundLevels(codes *[256]uint8, x []float32, inverse *[8]float32) bool {
	if !hasSearch() {
		return false
	}
	roundLevelsAVX2(codes, &x[0], inverse)
	return true
}

func roundFP4(codes *[64]uint8, x []float32, scale *[4]float32) bool {
	if !hasSearch() {
		return false
	}
	roundFP4AVX2(codes, &x[0], scale)
	return true
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

// searchAffineAVX2 expects the weights in s.mem, a run of so many rows per column,
// and writes the results of eight runs from at on.
//
//go:noescape
func searchAffineAVX2(s *Search, top float32, absolute bool, numerators *float32, n, rows, at int) bool

// searchClimbAVX2 expects two times eight runs of 16 weights in s.mem.
//
//go:noescape
func searchClimbAVX2(s *Search, top float32) bool

// searchLevelsAVX2 expects eight runs of 32 weights in s.mem.
//
//go:noescape
func searchLevelsAVX2(s *Search, numerators *float32, n int) bool

//go:noescape
func roundLevelsAVX2(codes *[256]uint8, x *float32, inverse *[8]float32)

//go:noescape
func roundFP4AVX2(codes *[64]uint8, x *float32, scale *[4]float32)

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
	1e11, // the fourth power of what is below it, many times, is finite
}

// iq4Middles lie between the levels of IQ4_NL, each in all lanes.
var iq4Middles = middlesIQ4() //nolint:unused // read by assembly

func middlesIQ4() (m [15][8]float32) {
	for i := range m {
		for lane := range m[i] {
			m[i][lane] = (iq4Floats[i] + iq4Floats[i+1]) / 2
		}
	}
	return m
}

// fp4Middles lie between the magnitudes of the 4-bit floats, counted in halves.
var fp4Middles = [7]float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10} //nolint:unused // read by assembly
