package nn

// CodeDelta writes to dst [N, K] the change that moved codes make: the weight as
// it stands minus the original codes on the grid in use.
func (g *Grid) CodeDelta(dst []float32) {
	k, sub := g.Cols(), g.grid.Sub
	codes := make([]int16, k)
	for r := range g.Rows() {
		g.typ.Codes(codes, g.row(r))
		for j, c := range codes {
			i := r*g.subs + j/sub
			dst[r*k+j] = g.value[r*k+j] - (float32(g.gridS[i]*float32(c)) + g.gridO[i])
		}
	}
}
