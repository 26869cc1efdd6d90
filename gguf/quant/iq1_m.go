package quant

// An IQ1_M block is 56 bytes for 256 weights: 32 bytes with the low eight bits of
// the index for each 8 weights, 16 bytes with the upper three bits and, above
// them, whether the values are moved down by 1/8 or up, of two each, then four
// times 16 bits with four 3-bit sub-scales and a quarter of f16 d on top.
// w = code/8*(d*(2*scale+1)) for each 16 weights.

var gridIQ1M = gridder{
	Grid:     Grid{Sub: 16, MinCode: -9, MaxCode: 9, Group: 256, Vector: 8},
	grid:     scalesIQ1M,
	codes:    codesIQ1M,
	setCodes: setCodesIQ1M,
	vector:   nearestIQ1M,
	carrier:  &carrierIQ1M,
	m:        -1,
}

var carrierIQ1M = carrier{
	read: func(b []byte, _ int) float32 {
		var h uint16
		for k := range 4 {
			h |= uint16(b[49+2*k]>>4) << (4 * k)
		}
		return F16ToF32(h)
	},
	write: func(b []byte, _ int, x float32) {
		h := F32ToF16(clampF16(x))
		for k := range 4 {
			b[49+2*k] = b[49+2*k]&15 | uint8(h>>(4*k)&15<<4)
		}
	},
	round: roundF16,
}

func scalesIQ1M(src []byte, scale, offset []float32) {
	d := carrierIQ1M.read(src, 0)
	for j := range scale {
		sc := u16At(src, 48+j/4*2) >> (j % 4 * 3) & 7
		scale[j], offset[j] = d*float32(2*sc+1)*0.125, 0
	}
}

func codesIQ1M(dst []int16, src []byte) {
	for l := range 32 {
		h := int(src[32+l/2]) >> (l % 2 * 4)
		expandIQ1(dst[8*l:], int(src[l])|h&7<<8, h&8 != 0)
	}
}

func setCodesIQ1M(dst []byte, c []int16) {
	clear(dst[32:48])
	for l := range 32 {
		index, down := findIQ1(c[8*l:])
		h := uint8(index >> 8)
		if down {
			h |= 8
		}
		dst[l] = uint8(index)
		dst[32+l/2] |= h << (l % 2 * 4)
	}
}

func nearestIQ1M(codes []int16, aim []float32) {
	up, costUp := closestIQ1(aim, false)
	down, costDown := closestIQ1(aim, true)
	if costDown < costUp {
		expandIQ1(codes, down, true)
	} else {
		expandIQ1(codes, up, false)
	}
}

func decodeIQ1M(dst []float32, src []byte) { decodeByGrid(dst, src, &gridIQ1M, 256, 56) }
