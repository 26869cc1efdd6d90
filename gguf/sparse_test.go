//go:build linux && (amd64 || arm64)

package gguf

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// peak is the largest resident memory that the process has had, in bytes.
func peak(tb testing.TB) int64 {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Maxrss << 10
}

// TestSparse: of a file of 10 GB only the header is read, and only those pages of a
// tensor that are asked for.
func TestSparse(t *testing.T) {
	path := testenv.Sparse(t)
	resident, start := peak(t), time.Now()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	huge := f.Tensor("huge")
	if f.Size() < 10e9 || huge.Size < 10e9 {
		t.Fatalf("file of %d bytes, tensor of %d", f.Size(), huge.Size)
	}
	x, cols, row := make([]float32, huge.Cols()), huge.Cols(), huge.Rows()/2
	huge.DequantRows(x, cols, row, row+1)
	f.Tensor("last").DequantRows(x[:8], 8, 0, 1)
	if x[7] != 8 || x[8] != 0 {
		t.Errorf("last tensor is %v", x[:8])
	}
	runtime.ReadMemStats(&after)
	took, allocated, grown := time.Since(start), after.TotalAlloc-before.TotalAlloc, peak(t)-resident
	t.Logf("%v, %d bytes allocated, %d bytes more resident", took, allocated, grown)
	if took > 2*time.Second || allocated > 1<<20 || grown > 64<<20 {
		t.Error("that is more than 2 s, 1 MB or 64 MB")
	}
}
