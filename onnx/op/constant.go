package op

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"unsafe"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/onnx"
)

// constant is a value that does not change between runs: an initializer, decoded
// when it is first used, or the result of folding.
type constant struct {
	tensor *onnx.Tensor

	mu    sync.Mutex
	value *Value
}

func (k *constant) get() (*Value, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.value != nil {
		return k.value, nil
	}
	v, err := fromTensor(k.tensor)
	if err == nil {
		k.value = v
	}
	return v, err
}

// len is the number of elements.
func (k *constant) len() int64 {
	if k.value != nil {
		return int64(k.value.Len())
	}
	return k.tensor.Len()
}

// fromTensor decodes a tensor of a model. Float and 8-bit tensors may share the
// mapped file, so that they are valid until the model is closed.
func fromTensor(t *onnx.Tensor) (*Value, error) {
	v := &Value{Type: t.Type, Dims: make([]int, len(t.Dims))}
	for i, d := range t.Dims {
		if d > math.MaxInt {
			return nil, fmt.Errorf("onnx/op: tensor %s: %w: dimension %d", t.Name, onnx.ErrUnsupported, d)
		}
		v.Dims[i] = int(d)
	}
	if emptyTooLarge(v.Dims) {
		return nil, fmt.Errorf("onnx/op: tensor %s: %w: dimensions %v of no elements", t.Name, onnx.ErrUnsupported, t.Dims)
	}
	var err error
	switch storeOf(t.Type) {
	case inF:
		v.F, err = floatElements(t)
	case inI:
		v.I, err = integerElements(t)
	case inB:
		v.b, err = byteElements(t)
	case inS:
		v.S, err = t.Strings()
	case noStore:
		err = fmt.Errorf("onnx/op: tensor %s: %w type %v", t.Name, onnx.ErrUnsupported, t.Type)
	}
	return v, err
}

// littleEndian reports whether numbers in files lie as they do in memory.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// floatElements shares the mapped file where it can.
func floatElements(t *onnx.Tensor) ([]float32, error) {
	raw, err := t.Raw()
	if err != nil || len(raw) == 0 {
		return []float32{}, err
	}
	if half(t.Type) {
		return halfElements(t.Type, raw), nil
	}
	if t.Type != onnx.Float || !littleEndian {
		return t.Float32s()
	}
	if uintptr(unsafe.Pointer(&raw[0]))%4 != 0 {
		return t.Float32s()
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&raw[0])), len(raw)/4), nil
}

func halfElements(t onnx.Type, raw []byte) []float32 {
	out := make([]float32, len(raw)/2)
	for i := range out {
		h := binary.LittleEndian.Uint16(raw[2*i:])
		if t == onnx.Float16 {
			out[i] = quant.F16ToF32(h)
		} else {
			out[i] = quant.BF16ToF32(h)
		}
	}
	return out
}

func integerElements(t *onnx.Tensor) ([]int64, error) {
	if t.Type != onnx.Uint64 {
		return t.Ints()
	}
	u, err := t.Uints()
	out := make([]int64, len(u))
	for i, x := range u {
		out[i] = int64(x)
	}
	return out, err
}

// byteElements has a byte for each element; 8-bit tensors share the mapped file.
func byteElements(t *onnx.Tensor) ([]byte, error) {
	raw, err := t.Raw()
	if err != nil {
		return nil, err
	}
	if t.Type == onnx.Bool {
		out := make([]byte, len(raw))
		for i, b := range raw {
			out[i] = bit(b != 0)
		}
		return out, nil
	}
	return unpackBits(raw, t.Type, int(t.Len())), nil
}

// unpackBits gives n packed elements a byte each, with their sign.
func unpackBits(raw []byte, t onnx.Type, n int) []byte {
	width := t.Bits()
	if width == 8 {
		return raw
	}
	out := make([]byte, n)
	per := 8 / width
	for i := range out {
		b := raw[i/per] >> (i % per * width) << (8 - width)
		if signedType(t) {
			out[i] = byte(int8(b) >> (8 - width))
		} else {
			out[i] = b >> (8 - width)
		}
	}
	return out
}

// foldable reports whether a step reads small constants alone, none of which a
// caller may replace.
func (p *plan) foldable(s *step) bool {
	for _, name := range s.reads {
		k := p.consts[name]
		if k == nil || p.inputs[name] || k.len() > foldElements {
			return false
		}
	}
	for _, a := range s.node.Attrs {
		if a.Ref != "" {
			return false
		}
	}
	return true
}

// keep makes constants of a step's results, unless one of them is large.
func (p *Program) keep(pl *plan, i int, out []*Value) {
	size := int64(0)
	for _, v := range out {
		if v == nil {
			continue
		}
		if v.sequence || v.Len() > foldElements {
			return
		}
		size += int64(v.Len())*elementBytes[storeOf(v.Type)] + 256 // and what holds it
	}
	if p.kept+size > foldBytes {
		return
	}
	p.kept += size
	for k, name := range pl.steps[i].node.Outputs {
		if name != "" && k < len(out) && out[k] != nil {
			out[k].buf = nil // of the run that made it
			pl.consts[name] = &constant{value: out[k]}
		}
	}
}
