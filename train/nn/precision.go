package nn

import "github.com/detox-surgery/detox-surgery/simd"

// Precision says in what form a tape multiplies by weights: those of Linear and
// the output head. Attention, norms, sums of losses and what lies between the
// products are float32 whatever it is. The zero Precision is float32 throughout.
type Precision struct {
	Forward simd.Precision // y = x Wᵀ
	Input   simd.Precision // dx = dy W
	Weight  simd.Precision // dW = dyᵀ x
}

// F32 and Fast are the names of the precisions that training offers.
const (
	F32  = "f32"
	Fast = "fast"
)

// precisions are the precisions by name. The forward pass of fast is the finest
// that is quick: its errors add up over the blocks of a model and enter every
// gradient, and where a divergence is small it is a difference of close things.
// (On SmolLM2, forward in bfloat16 leaves a cosine of 0.88 to the gradient of a
// divergence of 0.0008, int16 one of 0.9997.) Gradients need range more than
// digits: bfloat16 has it.
var precisions = map[string]Precision{
	F32:  {},
	Fast: {Forward: simd.Int16, Input: simd.BFloat16, Weight: simd.BFloat16},
}

// NamedPrecision returns the precision that training calls name; "" is F32.
func NamedPrecision(name string) (p Precision, ok bool) {
	if name == "" {
		name = F32
	}
	p, ok = precisions[name]
	return p, ok
}

// SetPrecision makes the products of the tape be computed in p from now on, up to
// and with the Backward of what is recorded. Where this machine lacks the
// instructions they stay in float32.
func (tp *Tape) SetPrecision(p Precision) { tp.prec = p }
