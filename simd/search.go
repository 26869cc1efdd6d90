package simd

// Search finds the scales of K-quants: ggml's searches try some twenty scales for
// each run of weights and sum errors one weight after the other, so that no sum can
// be split over lanes. Here a lane has a run of its own: eight runs advance side by
// side and each sees the operations of the scalar search, in their order.
//
// A Search is scratch memory; its zero value is ready. It must not be used by two
// goroutines at once.
type Search struct {
	// mem is what the assembly works on, a column per run: rows of weights (32), of
	// their importance (32) and codes (32), then variables.
	mem [104][8]float32

	// Scale and Min are the results, one per run: weights are about Scale*code - Min.
	Scale, Min [16]float32

	codes [32][8]float32 // of Climb
}

const errSearch = "simd: Search wants 256 weights"

// Affine searches as ggml's make_qkx2_quants, with codes 0..top: for 8 runs of 32
// weights it sets Scale[:8] and Min[:8]. After the scale top/(hi-lo) it tries the
// inverse scales numerators[i]/(hi-lo). It returns false, and no results, if the
// active tier has no assembly or if a weight or a candidate is out of bounds.
func (s *Search) Affine(x []float32, top int, numerators []float32) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return s.affine(x, top, numerators)
}

// Symmetric searches as ggml's make_qx_quants with weights x^2, codes -top..top-1:
// for 16 runs of 16 weights it sets Scale. After -top/extreme it tries the inverse
// scales numerators[i]/extreme. False is as in Affine.
func (s *Search) Symmetric(x []float32, top int, numerators []float32) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return s.symmetric(x, top, numerators)
}

// Absolute is Affine for 16 runs of 16 weights, whose importance is their magnitude
// and whose errors count by their size: the search of ggml's Q2_K. It sets Scale and
// Min.
func (s *Search) Absolute(x []float32, top int, numerators []float32) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return s.absolute(x, top, numerators)
}

// Climb searches as ggml's make_q3_quants, codes -top..top-1: for 16 runs of 16
// weights it sets Scale. It returns false, and no results, if the active tier has no
// assembly or if a product of weights might overflow.
func (s *Search) Climb(x []float32, top int) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return s.climb(x, top)
}

// Levels searches as ggml's quantize_iq4_nl with weights x^2, codes the levels of
// IQ4_NL: for 8 runs of 32 weights it sets Scale[:8]. After the lowest level for the
// extreme it tries the inverse scales numerators[i]/extreme. False is as in Affine.
func (s *Search) Levels(x []float32, numerators []float32) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return s.levels(x, numerators)
}

// RoundLevels writes the numbers of the levels of IQ4_NL nearest to x*inverse for 256
// weights, 32 with each inverse scale, of two equally near ones the upper; NaN gives
// 15. False is as in RoundAffine.
func RoundLevels(codes *[256]uint8, x []float32, inverse *[8]float32) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return roundLevels(codes, x, inverse)
}

// RoundFP4 writes the bits of the 4-bit floats nearest to x/scale for 64 weights, 16
// with each scale, of two equally near ones the smaller; a zero has no sign. A float
// counts in halves, as in DequantMXFP4. Scales must be such that 12 times them and
// x/scale neither overflow nor lose bits. False is as in RoundAffine.
func RoundFP4(codes *[64]uint8, x []float32, scale *[4]float32) bool {
	if len(x) != 64 {
		panic("simd: RoundFP4 wants 64 weights")
	}
	return roundFP4(codes, x, scale)
}

// RoundAffine writes the codes 0..top nearest to (x-offset)/scale for 256 weights,
// 32 with each scale and offset; NaN gives 0. It returns false, having done nothing,
// if the active tier has no assembly.
func RoundAffine(codes *[256]uint8, x []float32, scale, offset *[8]float32, top int) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return roundAffine(codes, x, scale, offset, top)
}

// RoundSymmetric writes top + the codes -top..top-1 nearest to x/scale for 256
// weights, 16 with each scale; NaN gives top. False is as in RoundAffine.
func RoundSymmetric(codes *[256]uint8, x []float32, scale *[16]float32, top int) bool {
	if len(x) != 256 {
		panic(errSearch)
	}
	return roundSymmetric(codes, x, scale, top)
}
