//go:build !purego

package simd

// activeInt8 is what the active tier multiplies with.
func activeInt8() *int8Set {
	switch {
	case Has(I8MM) && Has(DotProd):
		return &i8mmInt8
	case Has(DotProd):
		return &dotProdInt8
	case Active() == NEON:
		return &neonInt8
	}
	return &genericInt8
}

var neonInt8 = int8Set{
	kernels: [int8Variants][]int8Kernel{
		int8Min:    {{1, tilesOf(1, int8Min1NEON)}},
		int8Zero:   {{1, tilesOf(1, int8Zero1NEON)}},
		int8Zero16: {{1, tilesOf(1, int8Zero161NEON)}},
		int8Full:   {{1, tilesOf(1, int8Full1NEON)}},
	},
	unpack:   unpackNEON,
	quantize: quantizeNEON,
}

var dotProdInt8 = int8Set{
	kernels: [int8Variants][]int8Kernel{
		int8Min:    {{4, tilesOf(4, int8Min4DotProd)}, {1, tilesOf(1, int8Min1DotProd)}},
		int8Zero:   {{4, tilesOf(4, int8Zero4DotProd)}, {1, tilesOf(1, int8Zero1DotProd)}},
		int8Zero16: {{4, tilesOf(4, int8Zero164DotProd)}, {1, tilesOf(1, int8Zero161DotProd)}},
		int8Full:   {{4, tilesOf(4, int8Full4DotProd)}, {1, tilesOf(1, int8Full1DotProd)}},
	},
	unpack:   unpackNEON,
	quantize: quantizeNEON,
}

var i8mmInt8 = int8Set{
	kernels: [int8Variants][]int8Kernel{
		int8Min:    {{4, tilesOf(4, int8Min4I8MM)}, {1, tilesOf(1, int8Min1DotProd)}},
		int8Zero:   {{4, tilesOf(4, int8Zero4I8MM)}, {1, tilesOf(1, int8Zero1DotProd)}},
		int8Zero16: {{4, tilesOf(4, int8Zero164I8MM)}, {1, tilesOf(1, int8Zero161DotProd)}},
		int8Full:   {{4, tilesOf(4, int8Full4I8MM)}, {1, tilesOf(1, int8Full1DotProd)}},
	},
	unpack:   unpackNEON,
	quantize: quantizeNEON,
}

// unpackNEON lacks the K-quants, whose codes are read one row at a time in Go.
var unpackNEON = [blockTypes]func(dst, src *byte, rowBytes, blocks int){
	BlocksQ4_0: unpackQ4_0NEON,
	BlocksQ4_1: unpackQ4_1NEON,
	BlocksQ5_0: unpackQ5_0NEON,
	BlocksQ5_1: unpackQ5_1NEON,
	BlocksQ8_0: unpackQ8_0NEON,
}

func quantizeNEON(k *int8Kind, dst []byte, x []float32) {
	blocks := len(x) / k.sub
	_ = dst[blocks*k.rowBlock()-1]
	if k.sub == 16 {
		quantize16NEON(&dst[0], &x[0], blocks, int(k.zero))
	} else {
		quantize32NEON(&dst[0], &x[0], blocks, int(k.zero))
	}
}

// Assembly of int8_quant_arm64.s: rounds blocks > 0 blocks of x. Without a zero the
// head of a row gets its sum for offsets.

//go:noescape
func quantize32NEON(dst *byte, x *float32, blocks, zero int)

//go:noescape
func quantize16NEON(dst *byte, x *float32, blocks, zero int)

// Assembly of int8_unpack_arm64.s: blocks > 0 stored blocks of 8 rows.

//go:noescape
func unpackQ4_0NEON(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ4_1NEON(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ5_0NEON(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ5_1NEON(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ8_0NEON(dst, src *byte, rowBytes, blocks int)

// fifthSpread moves byte i/8 of four to byte i, for VTBL.
var fifthSpread = [32]byte{ //nolint:unused // read by assembly
	0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
	2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
}

// Assembly of int8_arm64.s, see int8Kernel.

//go:noescape
func int8Min1NEON(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero1NEON(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero161NEON(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Full1NEON(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Min4DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero4DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero164DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Full4DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Min1DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero1DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero161DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Full1DotProd(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Min4I8MM(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero4I8MM(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero164I8MM(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Full4I8MM(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)
