//go:build !purego && (amd64 || arm64)

package simd

type int8Run = func(k *int8Kind, panel []byte, blocks int, x []byte, stride, tiles int, y []float32, ldy int)

// tilesOf checks the operands of a kernel for tiles of so many rows: assembly does
// not.
func tilesOf(rows int, f func(panel *byte, blocks int, x *byte, stride, tiles int, y *float32, ldy int)) int8Run {
	return func(k *int8Kind, panel []byte, blocks int, x []byte, stride, tiles int, y []float32, ldy int) {
		_ = panel[blocks*k.panelBlock()-1]
		_ = x[(tiles*rows-1)*stride+blocks*k.rowBlock()-1]
		_ = y[(tiles*rows-1)*ldy+stripCols-1]
		f(&panel[0], blocks, &x[0], stride, tiles, &y[0], ldy)
	}
}
