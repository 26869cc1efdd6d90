package patient

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// form unpacks one of the small models of package onnxlm.
func form(t *testing.T, name string) string {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "train", "onnxlm", "testdata", "forms.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open(name + "/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWriteAndRestore edits ONNX models of all kinds of weights, opens what was written,
// and gets the parents back bit for bit.
func TestWriteAndRestore(t *testing.T) {
	for _, name := range []string{"f32_ts", "f16", "int8_wo", "int4_nbits", "int4_qdq", "genai_int4"} {
		t.Run(name, func(t *testing.T) {
			path := form(t, name)
			parent, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close() //nolint:errcheck // only read
			m, err := p.Model()
			if err != nil {
				t.Fatal(err)
			}
			role := model.Role{Kind: model.FFNDown}
			e := edit.New(edit.Meta{Method: "test", Tool: "test"})
			w := m.Tensor(role)
			part := &edit.Part{Rows: w.Rows(), Cols: w.Cols(), Delta: make([]float32, w.Rows()*w.Cols())}
			for i := range part.Delta {
				part.Delta[i] = 0.1 * float32(i%7-3)
			}
			e.Parts[role] = part
			if err := p.Check(e); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out.onnx")
			if _, err := edit.Write(m, e, out, edit.Options{Container: p.Container()}); err != nil {
				t.Fatal(err)
			}
			checkWritten(t, p, out, role)
			back := filepath.Join(t.TempDir(), "back.onnx")
			if _, err := edit.Restore(out, out+".undo", back, false); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, parent) {
				t.Errorf("restored: not the parent (%v)", err)
			}
		})
	}
}

func checkWritten(t *testing.T, p *Patient, out string, role model.Role) {
	t.Helper()
	q, err := p.OpenWritten(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close() //nolint:errcheck // only read
	for i, a := range p.File.Tensors {
		b := q.File.Tensors[i]
		if edited := a.Name == role.TensorName(); bytes.Equal(a.Raw(), b.Raw()) == edited {
			t.Errorf("%s: edited %t", a.Name, edited)
		}
	}
	if v, ok := q.ONNX.ONNX.Meta("detox.method"); !ok || v != "test" {
		t.Errorf("metadata_props: detox.method is %q", v)
	}
}

// TestOpenRefuses wants clear errors about what is no model.
func TestOpenRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, nil); err == nil {
		t.Error("a file of text was opened")
	} else if e := (*onnx.Error)(nil); !errors.As(err, &e) {
		t.Errorf("not an error of the container: %v", err)
	}
	if _, err := Open(t.TempDir(), nil); err == nil {
		t.Error("an empty folder was opened")
	}
}
