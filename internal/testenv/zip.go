package testenv

import (
	"archive/zip"
	"io/fs"
	"iter"
	"testing"
)

// Zip gives the files of an archive of goldens, names and bytes in its order.
func Zip(tb testing.TB, path string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		tb.Helper()
		z, err := zip.OpenReader(path)
		if err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = z.Close() }() // only read
		for _, f := range z.File {
			b, err := fs.ReadFile(z, f.Name)
			if err != nil {
				tb.Fatal(err)
			}
			if !yield(f.Name, b) {
				return
			}
		}
	}
}
