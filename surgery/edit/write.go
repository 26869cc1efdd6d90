package edit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// Options says how Write brings an edit into a file.
type Options struct {
	Rounding Rounding // of float changes on quantized tensors; empty: Auto
	// EditedType, unless it is F32 (the zero value), is written for edited
	// matrices in place of their own type. It keeps more of a float edit, at the
	// cost of size.
	EditedType  quant.Type
	Force       bool        // replace an existing output and its undo file
	Calibration Calibration // for Aware; roles that it lacks are rounded by weight error
	Undo        string      // path of the undo file; empty: output + ".undo"
	Container   Container   // nil: the model's GGUF file
	Progress    func(done, total int)
}

// Result says what Write did.
type Result struct {
	Out     string         `json:"out"`
	Undo    string         `json:"undo"`
	Parent  string         `json:"parent_sha256"`
	Written string         `json:"written_sha256"`
	Edit    string         `json:"edit_sha256"`
	Size    int64          `json:"size"`
	Tensors []TensorResult `json:"tensors"` // edited ones
}

// Write writes the model's file with the edit in it to out, atomically, and then
// the undo file. Tensors the edit does not name, and parts that change nothing,
// keep their bytes. The parent's own file is refused as output. Nothing in the
// result depends on the time or the number of workers.
func Write(m *model.Model, e *Edit, out string, o Options) (*Result, error) {
	if o.Rounding == "" {
		o.Rounding = Auto
	}
	if o.Undo == "" {
		o.Undo = out + ".undo"
	}
	if _, ok := ParseRounding(string(o.Rounding)); !ok {
		return nil, fmt.Errorf("edit: unknown rounding %q", o.Rounding)
	}
	f := m.File()
	for _, path := range []string{out, o.Undo} {
		if err := refuseSame(path, f.Path()); err != nil {
			return nil, err
		}
		if !o.Force && !missing(path) {
			return nil, fmt.Errorf("edit: write %s: %w", path, fs.ErrExist)
		}
	}
	jobs, err := plan(m, e, &o)
	if err != nil {
		return nil, err
	}
	parent := [][]byte{f.Bytes()}
	if o.Container != nil {
		parent = o.Container.Parts()
	}
	res := &Result{Out: out, Undo: o.Undo, Parent: hashParts(parent)}
	if res.Edit, err = e.SHA256(); err != nil {
		return nil, err
	}
	edits := gguf.Edits{Set: e.provenance(res), Data: map[string]gguf.Replacement{}}
	for i, j := range jobs {
		b, err := j.run()
		if err != nil {
			return nil, err
		}
		t := j.measure(b)
		t.Tied = m.Tied() && j.role.Kind == model.TokenEmbd
		res.Tensors = append(res.Tensors, t)
		edits.Data[j.t.Name] = gguf.Replacement{Type: j.to, Bytes: b}
		if o.Progress != nil {
			o.Progress(i+1, len(jobs))
		}
	}
	if o.Container != nil {
		return res, res.writeParts(o.Container, edits, o.Force)
	}
	return res, res.write(f, edits, o.Force)
}

// plan makes the jobs and checks them all.
func plan(m *model.Model, e *Edit, o *Options) ([]*job, error) {
	if err := e.Check(m); err != nil {
		return nil, err
	}
	var jobs []*job
	for _, r := range e.Roles() {
		p, t := e.Parts[r], m.Tensor(r)
		if p.IsZero() {
			continue
		}
		j := &job{role: r, t: t, part: p, to: t.Type, rounding: o.Rounding, hess: o.Calibration[r], pool: m.Pool()}
		if o.EditedType != quant.F32 && m.Gain(r) == nil {
			j.to = o.EditedType
		}
		if h := j.hess; h != nil && h.N != t.Cols() {
			return nil, fmt.Errorf("edit: calibration of %s has %d columns, the tensor %d", r, h.N, t.Cols())
		}
		if err := j.check(); err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// write writes the model and its undo file. A new output without undo file is
// not left behind.
func (res *Result) write(parent *gguf.File, edits gguf.Edits, force bool) error {
	fresh := missing(res.Out)
	if err := res.writeModel(parent, edits, force); err != nil {
		return err
	}
	err := res.writeUndo(parent, force)
	if err != nil && fresh {
		err = errors.Join(err, os.Remove(res.Out))
	}
	return err
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func (res *Result) writeModel(parent *gguf.File, edits gguf.Edits, force bool) error {
	h := sha256.New()
	err := gguf.WriteFile(res.Out, force, func(w io.Writer) error {
		n, err := parent.WriteTo(io.MultiWriter(w, h), edits)
		res.Size = n
		return err
	})
	if err != nil {
		return err
	}
	res.Written = hex.EncodeToString(h.Sum(nil))
	return nil
}

func (res *Result) writeUndo(parent *gguf.File, force bool) error {
	written, err := gguf.Open(res.Out)
	if err != nil {
		return fmt.Errorf("edit: read back %s: %w", res.Out, err)
	}
	defer written.Close()
	head := &undoHeader{
		Parent: res.Parent, ParentSize: parent.Size(), Written: res.Written, WrittenSize: written.Size(),
		Segments: planUndo(parent, written),
	}
	return gguf.WriteFile(res.Undo, force, func(w io.Writer) error {
		return writeUndo(w, head, parent.Bytes(), written.Bytes())
	})
}

// maxParameters bounds what is kept of the hyperparameters inside a model file.
const maxParameters = 64 << 10

// provenance is what the written model says about its edit: no date, so that the
// same input gives the same bytes.
func (e *Edit) provenance(res *Result) []gguf.KV {
	params := string(e.Meta.Parameters)
	if params == "" || len(params) > maxParameters {
		params = "{}"
	}
	kv := func(key string, v any) gguf.KV { return gguf.KV{Key: key, Value: gguf.ValueOf(v)} }
	return []gguf.KV{
		kv("detox.version", uint32(FormatVersion)),
		kv("detox.method", e.Meta.Method),
		kv("detox.parameters", params),
		kv("detox.strength", float32(e.Meta.Strength)),
		kv("detox.parent_sha256", res.Parent),
		kv("detox.edit_sha256", res.Edit),
		kv("detox.tool", e.Meta.Tool),
	}
}

// byOffset lists the tensors of a file in the order of their data.
func byOffset(f *gguf.File) []*gguf.Tensor {
	ts := slices.Clone(f.Tensors)
	slices.SortStableFunc(ts, func(a, b *gguf.Tensor) int {
		switch {
		case a.Offset < b.Offset:
			return -1
		case a.Offset > b.Offset:
			return 1
		}
		return 0
	})
	return ts
}
