package testenv

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Sparse makes a GGUF file of 10.7 GB that takes a few KB of disk: tensors first and last
// of eight floats, 1 to 8, and between them huge [16384, 163840] of zeros, all F32.
// The test is skipped where files have no holes.
func Sparse(tb testing.TB) string {
	tb.Helper()
	le := binary.LittleEndian
	text := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	b := le.AppendUint32([]byte("GGUF"), 3)
	b = le.AppendUint64(b, 3) // tensors
	b = le.AppendUint64(b, 1) // keys
	b = text(le.AppendUint32(text(b, "general.architecture"), 8), "sparse")
	var next uint64
	for _, x := range []struct {
		name string
		dims []uint64
	}{{"first", []uint64{8}}, {"huge", []uint64{1 << 14, 160 << 10}}, {"last", []uint64{8}}} {
		b = le.AppendUint32(text(b, x.name), uint32(len(x.dims)))
		n := uint64(4)
		for _, d := range x.dims {
			b, n = le.AppendUint64(b, d), n*d
		}
		b = le.AppendUint64(le.AppendUint32(b, 0), next)
		next += n
	}
	b = append(b, make([]byte, -len(b)&31)...)
	eight := make([]byte, 32)
	if _, err := binary.Encode(eight, le, []float32{1, 2, 3, 4, 5, 6, 7, 8}); err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "sparse.gguf")
	if err := writeAt(path, append(b, eight...), eight, int64(len(b))+int64(next)-32); err != nil {
		tb.Skipf("no sparse files here: %v", err)
	}
	return path
}

func writeAt(path string, start, end []byte, at int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(start)
	if err == nil {
		_, err = f.WriteAt(end, at)
	}
	return errors.Join(err, f.Close())
}
