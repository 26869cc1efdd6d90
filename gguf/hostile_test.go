package gguf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/internal/testenv"
)

// hostileFile is a file of testdata/hostile.zip with what must become of it.
type hostileFile struct {
	File    string `json:"file"`
	Expect  string `json:"expect"` // ok | error
	Level   string `json:"level"`  // container | model
	Why     string `json:"why"`
	Content struct {
		KV      map[string]any `json:"kv"`
		Tensors []struct {
			Name   string   `json:"name"`
			Dims   []uint64 `json:"dims"`
			Type   string   `json:"type"`
			Offset int64    `json:"offset"` // from the start of the data
			Bytes  int64    `json:"bytes"`
			SHA256 string   `json:"sha256"`
		} `json:"tensors"`
	} `json:"content"`
	data []byte
}

func hostile(tb testing.TB) []hostileFile {
	tb.Helper()
	blobs := map[string][]byte{}
	for name, b := range testenv.Zip(tb, "testdata/hostile.zip") {
		blobs[name] = b
	}
	var index struct {
		Files []hostileFile `json:"files"`
	}
	if err := json.Unmarshal(blobs["index.json"], &index); err != nil {
		tb.Fatal(err)
	}
	for i := range index.Files {
		index.Files[i].data = blobs[index.Files[i].File]
	}
	if len(index.Files) < 140 || len(blobs) != len(index.Files)+1 {
		tb.Fatalf("%d files in the index, %d in the archive", len(index.Files), len(blobs))
	}
	return index.Files
}

// TestHostile reads the whole catalogue: what must be read is read and written
// again unchanged, what must be refused is refused with an *Error, and neither
// allocates much more than the file.
func TestHostile(t *testing.T) {
	for _, h := range hostile(t) {
		t.Run(strings.TrimSuffix(h.File, ".gguf"), func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f, err := Parse(h.data)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20+4*uint64(len(h.data)) {
				t.Errorf("allocated %d bytes for a file of %d", used, len(h.data))
			}
			if h.Expect == "error" && h.Level == "container" {
				checkError(t, h, err)
				return
			}
			if err != nil {
				t.Fatalf("refused (%s): %v", h.Why, err)
			}
			checkContent(t, h, f)
			var out bytes.Buffer
			if n, err := f.WriteTo(&out, Edits{}); err != nil || n != int64(len(h.data)) || !bytes.Equal(out.Bytes(), h.data) {
				t.Errorf("written again: %d bytes, error %v, not the input", n, err)
			}
		})
	}
}

func checkError(t *testing.T, h hostileFile, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error (%s)", err, h.Why)
	}
	if errors.Is(err, ErrFormat) == errors.Is(err, ErrUnsupported) {
		t.Errorf("%v is not exactly one of malformed and unsupported", err)
	}
	if e.Field == "" || e.Offset < 0 || e.Offset > int64(len(h.data)) || !strings.HasPrefix(err.Error(), "gguf: ") {
		t.Errorf("error says too little: %v (field %q, offset %d)", err, e.Field, e.Offset)
	}
	if len(err.Error()) > 400 && !strings.HasPrefix(h.File, "key-") {
		t.Errorf("message of %d bytes", len(err.Error()))
	}
}

func checkContent(t *testing.T, h hostileFile, f *File) {
	t.Helper()
	for key, want := range h.Content.KV {
		got, ok := f.Get(key)
		a, _ := json.Marshal(jsonable(got))
		b, _ := json.Marshal(want)
		if !ok || strings.ReplaceAll(string(a), `"`, "") != strings.ReplaceAll(string(b), `"`, "") {
			t.Errorf("%s = %s, want %s", key, a, b)
		}
	}
	for _, w := range h.Content.Tensors {
		x := f.Tensor(w.Name)
		if x == nil {
			t.Fatalf("no tensor %s", w.Name)
		}
		sum := sha256.Sum256(x.Raw())
		if x.Offset-f.DataOffset != w.Offset || x.Size != w.Bytes || w.SHA256 != "" && hex.EncodeToString(sum[:]) != w.SHA256 {
			t.Errorf("tensor %s at %d, %d bytes, sha256 %x", w.Name, x.Offset-f.DataOffset, x.Size, sum)
		}
		if w.Type != "" && (x.Type.String() != w.Type || fmt.Sprint(x.Dims) != fmt.Sprint(w.Dims)) {
			t.Errorf("tensor %s is %v %v, want %s %v", w.Name, x.Type, x.Dims, w.Type, w.Dims)
		}
	}
}

// jsonable keeps bytes from becoming base64.
func jsonable(x any) any {
	if b, ok := x.([]uint8); ok {
		out := make([]int, len(b))
		for i, v := range b {
			out[i] = int(v)
		}
		return out
	}
	return x
}

// TestErrorMessages: the messages that a user is most likely to see.
func TestErrorMessages(t *testing.T) {
	want := map[string]struct {
		text string
		kind error
	}{
		"big-endian.gguf":        {"big-endian file", ErrUnsupported},
		"version-1.gguf":         {"version 1", ErrUnsupported},
		"onnx-like.gguf":         {`not "GGUF"`, ErrFormat},
		"data-cut.gguf":          {"tensor a", ErrFormat},
		"type-31.gguf":           {"tensor type 31", ErrUnsupported},
		"array-nested.gguf":      {"array of arrays", ErrUnsupported},
		"key-duplicate.gguf":     {"x at byte", ErrFormat},
		"alignment-3.gguf":       {"general.alignment", ErrFormat},
		"offset-misaligned.gguf": {"tensor b", ErrFormat},
	}
	for _, h := range hostile(t) {
		w, ok := want[h.File]
		if !ok {
			continue
		}
		delete(want, h.File)
		path := filepath.Join(t.TempDir(), h.File)
		if err := os.WriteFile(path, h.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		if !errors.Is(err, w.kind) || !strings.Contains(err.Error(), w.text) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", h.File, err)
		}
	}
	for name := range want {
		t.Errorf("%s is not in the catalogue", name)
	}
}

func TestOpenOddPaths(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(empty); !errors.Is(err, ErrFormat) {
		t.Errorf("empty file: %v", err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrFormat) {
		t.Errorf("folder: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// TestTruncated: no proper prefix of a file without trailing bytes is a file.
func TestTruncated(t *testing.T) {
	for _, h := range hostile(t) {
		if h.File != "ok-every-type.gguf" {
			continue
		}
		f, err := Parse(h.data)
		if err != nil {
			t.Fatal(err)
		}
		last := f.Tensors[len(f.Tensors)-1]
		for n := range int(last.Offset + last.Size) {
			if _, err := Parse(h.data[:n:n]); err == nil {
				t.Fatalf("the first %d bytes were accepted", n)
			}
		}
		return
	}
	t.Fatal("no such file in the catalogue")
}
