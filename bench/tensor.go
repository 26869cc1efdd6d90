package bench

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// weights are n made-up values between -1.9 and 2.1.
func weights(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(0.1 + 2*math.Cos(float64(i)))
	}
	return w
}

// blocks holds n weights of a type; arbitrary ones where it has no encoder.
func blocks(typ quant.Type, n int) []byte {
	raw := make([]byte, n/typ.Block()*typ.Bytes())
	if typ.CanEncode() {
		typ.Encode(raw, weights(n))
		return raw
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range raw {
		raw[i] = byte(r.Uint32())
	}
	return raw
}

// tensor is a matrix [n, k] as a model file has it, so that products take the
// same way as with a real model.
func tensor(typ quant.Type, n, k int) (*gguf.Tensor, error) {
	const name = "w"
	le := binary.LittleEndian
	b := append([]byte("GGUF"), 3, 0, 0, 0)
	b = le.AppendUint64(b, 1) // tensors
	b = le.AppendUint64(b, 0) // keys
	b = append(le.AppendUint64(b, uint64(len(name))), name...)
	b = le.AppendUint32(b, 2) // dimensions
	b = le.AppendUint64(b, uint64(k))
	b = le.AppendUint64(b, uint64(n))
	b = le.AppendUint32(b, uint32(typ))
	b = le.AppendUint64(b, 0) // offset
	b = pad(b)
	b = pad(append(b, blocks(typ, n*k)...))
	f, err := gguf.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("bench: %v tensor [%d, %d]: %w", typ, n, k, err)
	}
	return f.Tensor(name), nil
}

// pad fills up to GGUF's default alignment.
func pad(b []byte) []byte {
	const align = 32
	return append(b, make([]byte, (align-len(b)%align)%align)...)
}
