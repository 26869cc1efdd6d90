package mix

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// Importance holds mean squares of the inputs of matrices by tensor name, as
// llama-imatrix measures them: [cols], or [experts, cols] of a mixture.
type Importance map[string][]float32

// ErrImportance is wrapped by every error about a file that is no importance matrix.
var ErrImportance = errors.New("no importance matrix of llama-imatrix")

// OpenImportance reads a file of llama-imatrix in either of its formats, GGUF or dat.
func OpenImportance(path string) (Importance, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	magic := make([]byte, 4)
	if n, err := io.ReadFull(file, magic); n < 4 {
		return nil, fmt.Errorf("gguf/mix: %s: %w: %w", path, ErrImportance, err)
	}
	if string(magic) == "GGUF" {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		im, err := ReadImportance(f)
		return im, errors.Join(err, f.Close())
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	im, err := ReadImportanceDat(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("gguf/mix: %s: %w", path, err)
	}
	return im, nil
}

// ReadImportance reads a GGUF file of llama-imatrix: tensors NAME.in_sum2 [cols, experts]
// and NAME.counts [1, experts], whose quotients are the mean squares. An expert that saw
// nothing gets ones.
func ReadImportance(f *gguf.File) (Importance, error) {
	if kind, _ := f.String("general.type"); kind != "imatrix" {
		return nil, fmt.Errorf("gguf/mix: %s: %w: general.type is %q, not imatrix", f.Path(), ErrImportance, kind)
	}
	im := Importance{}
	for _, t := range f.Tensors {
		name, ok := strings.CutSuffix(t.Name, ".in_sum2")
		if !ok {
			continue
		}
		counts := f.Tensor(name + ".counts")
		if counts == nil || counts.Rows() != t.Rows() || counts.Cols() != 1 || t.Type != quant.F32 || counts.Type != quant.F32 {
			return nil, fmt.Errorf("gguf/mix: %s: %w: no counts for tensor %s", f.Path(), ErrImportance, t.Name)
		}
		x, n := make([]float32, t.Rows()*t.Cols()), make([]float32, t.Rows())
		t.DequantRows(x, t.Cols(), 0, t.Rows())
		counts.DequantRows(n, 1, 0, t.Rows())
		for i := range x {
			if c := n[i/t.Cols()]; c > 0 {
				x[i] /= c
			} else {
				x[i] = 1
			}
		}
		if err := checkFinite(name, x); err != nil {
			return nil, fmt.Errorf("gguf/mix: %s: %w", f.Path(), err)
		}
		im[name] = x
	}
	return im, nil
}

// minEntry is the size of the smallest entry of a dat file: a name of a byte and a value.
const minEntry = 4 + 1 + 4 + 4 + 4

// ReadImportanceDat reads size bytes of llama-imatrix's older format (llama.cpp,
// common/imatrix-loader.cpp), little-endian: int32 entries; per entry int32 length, name,
// int32 calls, int32 values, float32 [values], each value the sum over the calls. The
// number of chunks and the name of the text that may follow are not read.
func ReadImportanceDat(r io.Reader, size int64) (Importance, error) {
	d := &datReader{r: bufio.NewReader(r), size: size, left: size}
	n := d.int32("number of entries")
	if d.err == nil && (n < 1 || int64(n) > d.left/minEntry) {
		d.fail("number of entries", "%d in a file of %d bytes", n, size)
	}
	im := Importance{}
	for ; n > 0 && d.err == nil; n-- {
		name, x := d.entry()
		if _, twice := im[name]; twice && d.err == nil {
			d.fail("entry", "%q occurs twice", name)
		}
		if d.err == nil {
			d.err = checkFinite(name, x)
		}
		im[name] = x
	}
	if d.err != nil {
		return nil, d.err
	}
	return im, nil
}

// datReader knows how much of the file is left. The first error sticks.
type datReader struct {
	r          io.Reader
	size, left int64
	err        error
}

func (d *datReader) fail(what, format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at byte %d: "+format, append([]any{ErrImportance, what, d.size - d.left}, args...)...)
	}
}

// take reads n bytes, or nothing after an error.
func (d *datReader) take(what string, n int64) []byte {
	if d.err == nil && (n < 1 || n > d.left) {
		d.fail(what, "%d bytes announced, %d left in the file", n, d.left)
	}
	if d.err != nil {
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.fail(what, "%w", err)
		return nil
	}
	d.left -= n
	return b
}

func (d *datReader) int32(what string) int32 {
	if b := d.take(what, 4); b != nil {
		return int32(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// entry reads the next entry. Without calls the values are the means already.
func (d *datReader) entry() (name string, x []float32) {
	name = string(d.take("name", int64(d.int32("length of a name"))))
	calls := d.int32("number of calls")
	raw := d.take("values of "+name, 4*int64(d.int32("number of values")))
	x = make([]float32, len(raw)/4)
	for j := range x {
		x[j] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*j:]))
		if calls > 0 {
			x[j] /= float32(calls)
		}
	}
	return name, x
}

func checkFinite(name string, x []float32) error {
	for i, v := range x {
		if v-v != 0 {
			return fmt.Errorf("%w: value %d of %s is %g", ErrImportance, i, name, v)
		}
	}
	return nil
}

// of are the weights for t, nil where there are none.
func (im Importance) of(t *gguf.Tensor) ([]float32, error) {
	x, ok := im[t.Name]
	if !ok {
		return nil, nil
	}
	if n := len(x) / t.Cols(); len(x)%t.Cols() != 0 || n == 0 || t.Rows()%n != 0 {
		return nil, fmt.Errorf("gguf/mix: importance of %s has %d values for rows of %d", t.Name, len(x), t.Cols())
	}
	return x, nil
}
