//go:build !purego

package simd

import "math"

// neonTable holds the constants of vec_neon_arm64.s in the order of its registers.
var neonTable = [16]padded{
	repeat4(expMax),
	repeat4(expMin),
	repeat4(log2e),
	repeat4(-ln2Hi),
	repeat4(-ln2Lo),
	repeat4(expP0),
	repeat4(expP1),
	repeat4(expP2),
	repeat4(expP3),
	repeat4(expP4),
	repeat4(expP5),
	repeat4(1),
	repeat4(math.Float32frombits(127)), // exponent bias, an integer
	repeat4(geluLin),
	repeat4(geluCub),
	repeat4(3 * geluCub),
}

func repeat4(x float32) padded { return padded{x, x, x, x} }

// Assembly of vec_neon_arm64.s. n > 0 is a multiple of lanes.

//go:noescape
func dotNEON(a, b *float32, n int) (ret float32)

//go:noescape
func expSumNEON(dst, x *float32, n int, shift float32) (ret float32)

//go:noescape
func axpyNEON(dst, x *float32, n int, alpha float32)

//go:noescape
func addNEON(dst, a, b *float32, n int)

//go:noescape
func mulNEON(dst, a, b *float32, n int)

//go:noescape
func scaleNEON(dst, x *float32, n int, alpha float32)

//go:noescape
func adamWNEON(p, grad, m, v *float32, n int, k *adamCoef)

//go:noescape
func expNEON(dst, x *float32, n int)

//go:noescape
func siluMulNEON(dst, gate, up *float32, n int)

//go:noescape
func geluMulNEON(dst, gate, up *float32, n int)

//go:noescape
func siluMulBackNEON(dgate, dup, dy, gate, up *float32, n int)

//go:noescape
func geluMulBackNEON(dgate, dup, dy, gate, up *float32, n int)
