//go:build !purego

package simd

// activeInt8 is what the active tier multiplies with. AVX-512 without VNNI has
// nothing over AVX2.
func activeInt8() *int8Set {
	switch {
	case Has(VNNI):
		return &vnniInt8
	case Active() >= AVX2:
		return &avx2Int8
	}
	return &genericInt8
}

var avx2Int8 = int8Set{
	kernels: [int8Variants][]int8Kernel{
		int8Min:    {{2, tilesOf(2, int8Min2AVX2)}, {1, tilesOf(1, int8Min1AVX2)}},
		int8Zero:   {{2, tilesOf(2, int8Zero2AVX2)}, {1, tilesOf(1, int8Zero1AVX2)}},
		int8Zero16: {{2, tilesOf(2, int8Zero162AVX2)}, {1, tilesOf(1, int8Zero161AVX2)}},
		int8Full:   {{2, tilesOf(2, int8Full2AVX2)}, {1, tilesOf(1, int8Full1AVX2)}},
	},
	unpack:   unpackAVX2,
	quantize: quantizeAVX2,
}

var vnniInt8 = int8Set{
	kernels: [int8Variants][]int8Kernel{
		int8Min:    {{12, tilesOf(12, int8Min12VNNI)}, {4, tilesOf(4, int8Min4VNNI)}, {1, tilesOf(1, int8Min1VNNI)}},
		int8Zero:   {{12, tilesOf(12, int8Zero12VNNI)}, {4, tilesOf(4, int8Zero4VNNI)}, {1, tilesOf(1, int8Zero1VNNI)}},
		int8Zero16: {{12, tilesOf(12, int8Zero1612VNNI)}, {4, tilesOf(4, int8Zero164VNNI)}, {1, tilesOf(1, int8Zero161VNNI)}},
		int8Full:   {{12, tilesOf(12, int8Zero12VNNI)}, {4, tilesOf(4, int8Zero4VNNI)}, {1, tilesOf(1, int8Zero1VNNI)}},
	},
	unpack:   unpackAVX2,
	quantize: quantizeAVX2,
}

var unpackAVX2 = [blockTypes]func(dst, src *byte, rowBytes, blocks int){
	BlocksQ4_0: unpackQ4_0AVX2,
	BlocksQ4_1: unpackQ4_1AVX2,
	BlocksQ5_0: unpackQ5_0AVX2,
	BlocksQ5_1: unpackQ5_1AVX2,
	BlocksQ8_0: unpackQ8_0AVX2,
	BlocksQ4K:  unpackQ4KAVX2,
	BlocksQ5K:  unpackQ5KAVX2,
	BlocksQ6K:  unpackQ6KAVX2,
}

func quantizeAVX2(k *int8Kind, dst []byte, x []float32) {
	blocks := len(x) / k.sub
	_ = dst[blocks*k.rowBlock()-1]
	if k.sub == 16 {
		quantize16AVX2(&dst[0], &x[0], blocks, int(k.zero))
	} else {
		quantize32AVX2(&dst[0], &x[0], blocks, int(k.zero))
	}
}

// Assembly of int8_quant_amd64.s: rounds blocks > 0 blocks of x.

//go:noescape
func quantize32AVX2(dst *byte, x *float32, blocks, zero int)

//go:noescape
func quantize16AVX2(dst *byte, x *float32, blocks, zero int)

// Assembly of int8_unpack_amd64.s: blocks > 0 stored blocks of 8 rows.

//go:noescape
func unpackQ4_0AVX2(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ4_1AVX2(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ5_0AVX2(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ5_1AVX2(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ8_0AVX2(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ4KAVX2(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ5KAVX2(dst, src *byte, rowBytes, blocks int)

//go:noescape
func unpackQ6KAVX2(dst, src *byte, rowBytes, blocks int)

// Assembly of int8_vnni_amd64.s and int8_avx2_amd64.s, see int8Kernel.

//go:noescape
func int8Min12VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Min4VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Min1VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero12VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero4VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero1VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero1612VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero164VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero161VNNI(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Min2AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Min1AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero2AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero1AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero162AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Zero161AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Full2AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)

//go:noescape
func int8Full1AVX2(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)
