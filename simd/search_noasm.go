//go:build purego || !amd64

package simd

func (s *Search) affine([]float32, int, []float32) bool                      { return false }
func (s *Search) symmetric([]float32, int, []float32) bool                   { return false }
func roundAffine(*[256]uint8, []float32, *[8]float32, *[8]float32, int) bool { return false }
func roundSymmetric(*[256]uint8, []float32, *[16]float32, int) bool          { return false }
func (s *Search) absolute([]float32, int, []float32) bool                    { return false }
func (s *Search) climb([]float32, int) bool                                  { return false }
func (s *Search) levels([]float32, []float32) bool                           { return false }
func roundLevels(*[256]uint8, []float32, *[8]float32) bool                   { return false }
func roundFP4(*[64]uint8, []float32, *[4]float32) bool                       { return false }
