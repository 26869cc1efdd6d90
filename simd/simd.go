package simd

// Matrix is a row-major matrix W of shape [N, K] whose rows can be expanded to
// float32, for example a quantized tensor in a mapped file. Implementations must
// be safe for concurrent calls.
type Matrix interface {
	// Rows is N, the number of outputs of the linear map y = x Wᵀ.
	Rows() int
	// Cols is K, the number of inputs.
	Cols() int
	// DequantRows writes rows r0 <= r < r1 to dst, row r at dst[(r-r0)*ld:],
	// ld >= Cols() floats apart.
	DequantRows(dst []float32, ld, r0, r1 int)
}

// Dense is a Matrix held as float32.
type Dense struct {
	N, K int
	Data []float32 // N*K values, row-major
}

// Rows implements Matrix.
func (d *Dense) Rows() int { return d.N }

// Cols implements Matrix.
func (d *Dense) Cols() int { return d.K }

// DequantRows implements Matrix.
func (d *Dense) DequantRows(dst []float32, ld, r0, r1 int) {
	for r := r0; r < r1; r++ {
		copy(dst[(r-r0)*ld:(r-r0)*ld+d.K], d.Data[r*d.K:(r+1)*d.K])
	}
}
