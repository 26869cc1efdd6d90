package gguf

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
)

// pythonFile is a file of testdata/files.zip, as gguf-py writes it.
func pythonFile(tb testing.TB, name string) []byte {
	tb.Helper()
	z, err := zip.OpenReader(filepath.Join("testdata", "files.zip"))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	r, err := z.Open(name + ".gguf")
	if err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestBigEndian(t *testing.T) {
	raw := pythonFile(t, "big-endian")
	for version := uint32(1); version <= 3; version++ {
		binary.BigEndian.PutUint32(raw[4:], version)
		_, err := Parse(raw)
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "big-endian") {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

// TestAlignmentsAndVersions: files of any alignment and version are read, copied,
// edited, split and merged, and keep both.
func TestAlignmentsAndVersions(t *testing.T) {
	for _, align := range []int{8, 64, 4096} {
		for _, version := range []uint32{2, 3} {
			t.Run(fmt.Sprintf("%d version %d", align, version), func(t *testing.T) {
				raw := pythonFile(t, fmt.Sprintf("align-%d", align))
				binary.LittleEndian.PutUint32(raw[4:], version)
				f, err := Parse(raw)
				if err != nil {
					t.Fatal(err)
				}
				checkLayout(t, f, align, version)
				if _, out := rewrite(t, f, Edits{}); !bytes.Equal(out, raw) {
					t.Error("the copy differs")
				}
				b := f.Tensor("b.weight")
				g, _ := rewrite(t, f, Edits{
					Set:  []KV{{"detox.note", ValueOf("x")}},
					Data: map[string]Replacement{b.Name: {Type: quant.F32, Bytes: make([]byte, 4*b.Rows()*b.Cols())}},
				})
				checkLayout(t, g, align, version)
				sameTensors(t, f, g, map[string]Replacement{b.Name: {Type: quant.F32, Bytes: make([]byte, 4*b.Rows()*b.Cols())}})
				checkSplit(t, f, raw)
			})
		}
	}
}

func checkLayout(t *testing.T, f *File, align int, version uint32) {
	t.Helper()
	if f.Alignment != align || f.Version != version || f.DataOffset%int64(align) != 0 || len(f.Tensors) != 3 {
		t.Errorf("alignment %d, version %d, data at %d, %d tensors", f.Alignment, f.Version, f.DataOffset, len(f.Tensors))
	}
	for _, x := range f.Tensors {
		if x.Offset%int64(align) != 0 {
			t.Errorf("tensor %s at %d", x.Name, x.Offset)
		}
	}
}

// checkSplit cuts f into a file per tensor and merges them again.
func checkSplit(t *testing.T, f *File, want []byte) {
	t.Helper()
	var set []*File
	for i := range f.Tensors {
		var b bytes.Buffer
		if _, err := f.WriteShard(&b, i, len(f.Tensors), i, 1); err != nil {
			t.Fatal(err)
		}
		s, err := Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if s.Alignment != f.Alignment || s.Version != f.Version {
			t.Errorf("shard %d: alignment %d, version %d", i, s.Alignment, s.Version)
		}
		set = append(set, s)
	}
	var b bytes.Buffer
	if _, err := WriteMerged(&b, set); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Error("merged: not the file that was split")
	}
}

// TestUnknownKeysStay: keys that nothing here knows keep their bytes and their order
// whatever is written.
func TestUnknownKeysStay(t *testing.T) {
	raw := pythonFile(t, "reserved")
	f, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.KV) < 14 || f.KV[1].Key != "zz.unknown.u8" {
		t.Fatalf("not the file that was meant: %d keys", len(f.KV))
	}
	if _, out := rewrite(t, f, Edits{}); !bytes.Equal(out, raw) {
		t.Error("the copy differs")
	}
	const changed = "Some Key with blanks"
	g, _ := rewrite(t, f, Edits{Set: []KV{{changed, ValueOf("another type")}, {"detox.note", ValueOf("x")}}})
	if len(g.KV) != len(f.KV)+1 || g.KV[len(f.KV)].Key != "detox.note" {
		t.Fatalf("%d keys, want %d and one at the end", len(g.KV), len(f.KV)+1)
	}
	for i, kv := range f.KV {
		if g.KV[i].Key != kv.Key || kv.Key != changed && !bytes.Equal(g.rawKV(i), f.rawKV(i)) {
			t.Errorf("key %d was %s, is %s, or its value changed", i, kv.Key, g.KV[i].Key)
		}
	}
	checkSplit(t, f, raw)
}
