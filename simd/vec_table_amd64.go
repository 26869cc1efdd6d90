//go:build !purego

package simd

import "math"

// vecTable holds the constants of vec_amd64.h, each as often as the widest
// operand that is read whole (8 floats).
var vecTable = [...][8]float32{ //nolint:unused // read by assembly
	repeat8(log2e),
	repeat8(-ln2Hi),
	repeat8(-ln2Lo),
	repeat8(expP0),
	repeat8(expP1),
	repeat8(expP2),
	repeat8(expP3),
	repeat8(expP4),
	repeat8(expP5),
	repeat8(1),
	repeat8(math.Float32frombits(127)), // exponent bias, an integer
	repeat8(math.Float32frombits(1 << 31)),
	repeat8(geluLin),
	repeat8(geluCub),
	repeat8(3 * geluCub),
	repeat8(expMax),
	repeat8(expMin),
	repeat8(float32(math.Inf(-1))),
}

// tailMask has a window of n leading ones, 0 <= n <= 8, at element 8-n.
var tailMask = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1} //nolint:unused // read by assembly

func repeat8(x float32) [8]float32 { return [8]float32{x, x, x, x, x, x, x, x} } //nolint:unused // fills vecTable, which assembly reads
