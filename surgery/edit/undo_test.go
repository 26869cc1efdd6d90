package edit

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/surgery/internal/tinymodel"
)

func TestRestore(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  quant.Type
		o    Options
	}{
		{"carriers", quant.Q4_1, Options{}},
		{"grid", quant.Q6K, Options{Rounding: OnGrid}},
		{"larger", quant.Q4K, Options{EditedType: quant.F16}},
		{"smaller", quant.F32, Options{EditedType: quant.Q8_0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := tinymodel.Write(t, tinymodel.Config{Type: c.typ, Seed: 1})
			m := tinymodel.OpenPath(t, path)
			e := deltaEdit(m, 0.3)
			if c.name == "carriers" {
				e = carrierEdit(m, 0.05)
			}
			dir := t.TempDir()
			res, err := Write(m, e, filepath.Join(dir, "out.gguf"), c.o)
			if err != nil {
				t.Fatal(err)
			}
			back := filepath.Join(dir, "back.gguf")
			sum, err := Restore(res.Out, res.Undo, back, false)
			if err != nil {
				t.Fatal(err)
			}
			want, got := read(t, path), read(t, back)
			if !bytes.Equal(want, got) || sum != hashBytes(want) {
				t.Error("the parent did not come back")
			}
			if c.name == "carriers" && len(read(t, res.Undo)) > len(want)/10 {
				t.Errorf("the undo file of a carrier edit has %d bytes, the model %d", len(read(t, res.Undo)), len(want))
			}
			if _, err := Restore(res.Out, res.Undo, back, false); err == nil {
				t.Error("an existing file was replaced without force")
			}
			if _, err := Restore(res.Out, res.Undo, res.Out, true); !errors.Is(err, ErrSameFile) {
				t.Errorf("restoring onto the written file: %v", err)
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// changeUndo rewrites the header of an undo file.
func changeUndo(b []byte, change func(h *undoHeader)) []byte {
	n := len(undoMagic) + 8
	size := int(binary.LittleEndian.Uint32(b[n-4:]))
	var h undoHeader
	if err := json.Unmarshal(b[n:n+size], &h); err != nil {
		panic(err)
	}
	change(&h)
	js, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	out := binary.LittleEndian.AppendUint32(bytes.Clone(b[:n-4]), uint32(len(js)))
	return append(append(out, js...), b[n+size:]...)
}

func TestHostileUndo(t *testing.T) {
	m := tinymodel.Open(t, tinymodel.Config{Type: quant.Q4_1, Seed: 1})
	dir := t.TempDir()
	res, err := Write(m, carrierEdit(m, 0.05), filepath.Join(dir, "out.gguf"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	good := read(t, res.Undo)
	at := func(i int, v byte) []byte { b := bytes.Clone(good); b[i] ^= v; return b }
	cases := map[string][]byte{
		"empty": {}, "magic": at(0, 1), "version": at(8, 2), "header length": at(15, 0x80),
		"header": at(17, 0xff), "cut header": good[:40], "cut stream": good[:len(good)-20],
		"stream":        at(len(good)-200, 0x55),
		"no segments":   changeUndo(good, func(h *undoHeader) { h.Segments = nil }),
		"long segment":  changeUndo(good, func(h *undoHeader) { h.Segments[1].Length = 1 << 62 }),
		"negative":      changeUndo(good, func(h *undoHeader) { h.Segments[1].Length = -1 }),
		"far offset":    changeUndo(good, func(h *undoHeader) { h.Segments[1].Offset = 1<<63 - 1 }),
		"unknown kind":  changeUndo(good, func(h *undoHeader) { h.Segments[0].Kind = "x" }),
		"other offset":  changeUndo(good, func(h *undoHeader) { h.Segments[1].Offset++ }),
		"other parent":  changeUndo(good, func(h *undoHeader) { h.Parent = strings.Repeat("0", 64) }),
		"other written": changeUndo(good, func(h *undoHeader) { h.Written = strings.Repeat("0", 64) }),
		"size":          changeUndo(good, func(h *undoHeader) { h.ParentSize = -1 }),
	}
	bad, back := filepath.Join(dir, "bad.undo"), filepath.Join(dir, "back")
	for name, data := range cases {
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Restore(res.Out, bad, back, false)
		if err == nil || strings.Contains(err.Error(), "\n") || (!errors.Is(err, ErrFormat) && !errors.Is(err, ErrMismatch)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(back); err == nil {
			t.Fatalf("%s: a file was left", name)
		}
	}
	if _, err := Restore(m.File().Path(), res.Undo, back, false); !errors.Is(err, ErrMismatch) {
		t.Errorf("undo file on another model: %v", err)
	}
}
