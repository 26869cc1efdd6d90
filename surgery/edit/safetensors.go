package edit

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// ErrFormat marks files that are not what this package writes: not safetensors,
// not an edit, not an undo file, or damaged.
var ErrFormat = errors.New("edit: malformed file")

// Bounds of a safetensors file, checked before anything is allocated by them.
const (
	maxHeader  = 16 << 20 // bytes of JSON
	maxTensors = 1 << 14
	maxRank    = 4
)

// array is one tensor of a safetensors file. Exactly one of F and I is set.
type array struct {
	Name  string
	Shape []int
	F     []float32 // dtype F32, or F16 and BF16 widened
	I     []int32   // dtype I32
	Half  bool      // write F as F16
}

// dtypes are the element types that edits use: bytes per element.
var dtypes = map[string]int{"F32": 4, "F16": 2, "BF16": 2, "I32": 4}

// stEntry is the JSON of one tensor in the header.
type stEntry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

func formatErr(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// dtype is the element type an array is written as.
func (a *array) dtype() string {
	switch {
	case a.I != nil:
		return "I32"
	case a.Half:
		return "F16"
	}
	return "F32"
}

func elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// writeSafetensors writes arrays, sorted by name, and string metadata. The same
// arguments give the same bytes.
func writeSafetensors(w io.Writer, arrays []array, meta map[string]string) error {
	arrays = slices.Clone(arrays)
	sort.Slice(arrays, func(i, j int) bool { return arrays[i].Name < arrays[j].Name })
	header := map[string]any{"__metadata__": meta}
	off := int64(0)
	for i := range arrays {
		a := &arrays[i]
		end := off + elements(a.Shape)*int64(dtypes[a.dtype()])
		header[a.Name] = stEntry{a.dtype(), a.Shape, [2]int64{off, end}}
		off = end
	}
	js, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("edit: header: %w", err)
	}
	js = append(js, bytes.Repeat([]byte{' '}, -len(js)&7)...)
	if len(js) > maxHeader {
		return fmt.Errorf("edit: header of %d bytes is larger than the limit %d", len(js), maxHeader)
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(js))), js...)); err != nil {
		return err
	}
	for i := range arrays {
		if err := arrays[i].write(w); err != nil {
			return err
		}
	}
	return nil
}

// write writes the elements in pieces, so that large arrays need little memory.
func (a *array) write(w io.Writer) error {
	const piece = 1 << 14
	buf := make([]byte, 0, 4*piece)
	for v := range slices.Chunk(a.I, piece) {
		buf = buf[:0]
		for _, x := range v {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(x))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	for v := range slices.Chunk(a.F, piece) {
		buf = buf[:0]
		for _, x := range v {
			if a.Half {
				buf = binary.LittleEndian.AppendUint16(buf, quant.F32ToF16(x))
			} else {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
			}
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// parseSafetensors reads a whole file. Every count is checked against len(data)
// before it is used, and the tensors must tile the data exactly.
func parseSafetensors(data []byte) ([]array, map[string]string, error) {
	if len(data) < 8 {
		return nil, nil, formatErr("%d bytes are too short for a safetensors header", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader || n > uint64(len(data)-8) {
		return nil, nil, formatErr("header of %d bytes in a file of %d", n, len(data))
	}
	entries, meta, err := parseHeader(data[8 : 8+n])
	if err != nil {
		return nil, nil, err
	}
	body := data[8+n:]
	arrays := make([]array, 0, len(entries))
	var end int64
	for _, e := range entries {
		if e.Offsets[0] != end {
			return nil, nil, formatErr("tensor %q starts at %d, want %d", e.name, e.Offsets[0], end)
		}
		a, err := e.decode(body)
		if err != nil {
			return nil, nil, err
		}
		end = e.Offsets[1]
		arrays = append(arrays, a)
	}
	if end != int64(len(body)) {
		return nil, nil, formatErr("tensors cover %d of %d data bytes", end, len(body))
	}
	return arrays, meta, nil
}

type namedEntry struct {
	name string
	stEntry
}

// parseHeader reads the JSON object, refusing names that appear twice, and
// returns the entries in the order of their data.
func parseHeader(js []byte) ([]namedEntry, map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(js))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, formatErr("header is not a JSON object")
	}
	var entries []namedEntry
	var meta map[string]string
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] || len(seen) > maxTensors {
			return nil, nil, formatErr("header: bad, repeated or too many names near %q", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := dec.Decode(&meta); err != nil {
				return nil, nil, formatErr("header: metadata: %v", err)
			}
			continue
		}
		e := namedEntry{name: name}
		if err := dec.Decode(&e.stEntry); err != nil {
			return nil, nil, formatErr("header: tensor %q: %v", name, err)
		}
		entries = append(entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, formatErr("header: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, formatErr("header: text after the JSON object")
	}
	slices.SortStableFunc(entries, func(a, b namedEntry) int {
		switch {
		case a.Offsets[0] < b.Offsets[0]:
			return -1
		case a.Offsets[0] > b.Offsets[0]:
			return 1
		}
		return 0
	})
	return entries, meta, nil
}

// decode checks an entry against the data and reads its elements.
func (e *namedEntry) decode(body []byte) (array, error) {
	size, ok := dtypes[e.DType]
	if !ok {
		return array{}, formatErr("tensor %q has dtype %q", e.name, e.DType)
	}
	if len(e.Shape) > maxRank {
		return array{}, formatErr("tensor %q has %d dimensions", e.name, len(e.Shape))
	}
	n := int64(1)
	limit := int64(len(body) / size)
	for _, d := range e.Shape {
		if d <= 0 || int64(d) > limit/n {
			return array{}, formatErr("tensor %q of shape %v does not fit %d bytes", e.name, e.Shape, len(body))
		}
		n *= int64(d)
	}
	lo, hi := e.Offsets[0], e.Offsets[1]
	if lo < 0 || hi > int64(len(body)) || lo > hi || hi-lo != n*int64(size) {
		return array{}, formatErr("tensor %q of shape %v has bytes %d to %d", e.name, e.Shape, lo, hi)
	}
	a := array{Name: e.name, Shape: e.Shape}
	src := body[lo:hi]
	if e.DType == "I32" {
		a.I = make([]int32, n)
		for i := range a.I {
			a.I[i] = int32(binary.LittleEndian.Uint32(src[4*i:]))
		}
		return a, nil
	}
	a.F = make([]float32, n)
	decodeFloats(a.F, e.DType, src)
	for i, x := range a.F {
		if x-x != 0 {
			return array{}, formatErr("tensor %q: element %d is not finite", e.name, i)
		}
	}
	return a, nil
}

func decodeFloats(dst []float32, dtype string, src []byte) {
	for i := range dst {
		switch dtype {
		case "F32":
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		case "F16":
			dst[i] = quant.F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		case "BF16":
			dst[i] = quant.BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	}
}

// Floats is a float32 array for WriteSafetensors.
type Floats struct {
	Name  string
	Shape []int
	X     []float32
}

// WriteSafetensors writes arrays and string metadata as a safetensors file, as other
// programs read it. The same arguments give the same bytes.
func WriteSafetensors(w io.Writer, floats []Floats, meta map[string]string) error {
	arrays := make([]array, len(floats))
	for i, f := range floats {
		arrays[i] = array{Name: f.Name, Shape: f.Shape, F: f.X}
	}
	return writeSafetensors(w, arrays, meta)
}
