package edit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// maxEditFile bounds the size of an edit file: a dense f32 change of a model of
// four billion weights.
const maxEditFile = 16 << 30

// Forms as they stand at the end of tensor names.
const (
	formDelta = ".delta"
	formCols  = ".cols"
	formIndex = ".index"
	formA     = ".a"
	formB     = ".b"
	formScale = ".scale"
	formMin   = ".min"
)

// partInfo is what the shapes of a part's arrays do not say.
type partInfo struct {
	Shape [2]int `json:"shape"`
	Type  string `json:"type,omitempty"` // carriers only
	Grid  string `json:"grid,omitempty"` // carriers only
}

// Encode writes the edit as safetensors, floats as F16 if half is set. The same
// edit gives the same bytes.
func (e *Edit) Encode(w io.Writer, half bool) error {
	meta, err := e.metadata()
	if err != nil {
		return err
	}
	var arrays []array
	for _, r := range e.Roles() {
		arrays = e.Parts[r].arrays(arrays, r.String(), half)
	}
	return writeSafetensors(w, arrays, meta)
}

func (p *Part) arrays(to []array, name string, half bool) []array {
	floats := func(form string, rows, cols int, x []float32) {
		to = append(to, array{Name: name + form, Shape: []int{rows, cols}, F: x, Half: half})
	}
	if p.Delta != nil {
		floats(formDelta, p.Rows, p.Cols, p.Delta)
	}
	if c := p.Columns; c != nil {
		floats(formCols, p.Rows, len(c.Index), c.X)
		to = append(to, array{Name: name + formIndex, Shape: []int{len(c.Index)}, I: c.Index})
	}
	if l := p.LowRank; l != nil {
		floats(formA, p.Rows, l.Rank, l.A)
		floats(formB, l.Rank, p.Cols, l.B)
	}
	if c := p.Carriers; c != nil {
		floats(formScale, p.Rows, len(c.Scale)/p.Rows, c.Scale)
		if c.Min != nil {
			floats(formMin, p.Rows, len(c.Min)/p.Rows, c.Min)
		}
	}
	return to
}

// metaFields are the metadata keys beside detox.version and detox.parts, with the
// field each is kept in.
func (m *Meta) metaFields() map[string]any {
	return map[string]any{
		"detox.parent_sha256": &m.Parent, "detox.architecture": &m.Arch, "detox.method": &m.Method,
		"detox.parameters": &m.Parameters, "detox.seeds": &m.Seeds, "detox.data": &m.Data,
		"detox.tool": &m.Tool, "detox.metrics": &m.Metrics, "detox.strength": &m.Strength,
	}
}

func (e *Edit) metadata() (map[string]string, error) {
	meta := map[string]string{"detox.version": strconv.Itoa(FormatVersion)}
	fields := e.Meta.metaFields()
	if len(e.Meta.Parameters) == 0 {
		delete(fields, "detox.parameters")
	}
	parts := map[string]partInfo{}
	for r, p := range e.Parts {
		info := partInfo{Shape: [2]int{p.Rows, p.Cols}}
		if c := p.Carriers; c != nil {
			info.Type, info.Grid = c.Type.String(), c.Grid
		}
		parts[r.String()] = info
	}
	fields["detox.parts"] = parts
	for k, v := range fields {
		if s, ok := v.(*string); ok {
			meta[k] = *s
			continue
		}
		js, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("edit: metadata %s: %w", k, err)
		}
		meta[k] = string(js)
	}
	return meta, nil
}

// SHA256 is the hash of the edit as an F32 file, in hex.
func (e *Edit) SHA256() (string, error) {
	h := sha256.New()
	if err := e.Encode(h, false); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Save writes the edit file, atomically; an existing file is replaced only with
// force. half stores floats as F16.
func (e *Edit) Save(path string, force, half bool) error {
	return gguf.WriteFile(path, force, func(w io.Writer) error { return e.Encode(w, half) })
}

// Load reads an edit file. Damaged or foreign files give an error that is
// ErrFormat.
func Load(path string) (*Edit, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	if info.Size() > maxEditFile || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("edit: %s: %w", path, formatErr("not a regular file of at most %d bytes", int64(maxEditFile)))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	e, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("edit: %s: %w", path, err)
	}
	return e, nil
}

// Decode reads the bytes of an edit file.
func Decode(data []byte) (*Edit, error) {
	arrays, meta, err := parseSafetensors(data)
	if err != nil {
		return nil, err
	}
	if v, err := strconv.Atoi(meta["detox.version"]); err != nil || v < 1 || v > FormatVersion {
		return nil, formatErr("detox.version is %q, want 1 to %d", meta["detox.version"], FormatVersion)
	}
	e := New(Meta{})
	for k, v := range e.Meta.metaFields() {
		text, ok := meta[k]
		if s, plain := v.(*string); plain {
			*s = text
		} else if ok {
			if err := json.Unmarshal([]byte(text), v); err != nil {
				return nil, formatErr("metadata %s: %v", k, err)
			}
		}
	}
	var parts map[string]partInfo
	if err := json.Unmarshal([]byte(meta["detox.parts"]), &parts); err != nil {
		return nil, formatErr("metadata detox.parts: %v", err)
	}
	byName := map[string]*array{}
	for i := range arrays {
		byName[arrays[i].Name] = &arrays[i]
	}
	for name, info := range parts {
		role, err := model.ParseRole(name)
		if err != nil {
			return nil, formatErr("%v", err)
		}
		p, err := decodePart(name, info, byName)
		if err != nil {
			return nil, err
		}
		e.Parts[role] = p
	}
	for i := range arrays {
		if name := arrays[i].Name; byName[name] != nil {
			return nil, formatErr("tensor %q belongs to no part", name)
		}
	}
	return e, nil
}

// taker hands out the arrays of one part and keeps the first error.
type taker struct {
	name string
	from map[string]*array
	err  error
}

// floats takes an array of rows rows (-1: any number) and cols columns (-1).
func (t *taker) floats(form string, rows, cols int) (x []float32, r, c int) {
	a := t.from[t.name+form]
	delete(t.from, t.name+form)
	if a == nil {
		return nil, 0, 0
	}
	if a.F == nil || len(a.Shape) != 2 || (rows >= 0 && a.Shape[0] != rows) || (cols >= 0 && a.Shape[1] != cols) {
		t.fail("%s%s: %s of shape %v", t.name, form, a.dtype(), a.Shape)
		return nil, 0, 0
	}
	return a.F, a.Shape[0], a.Shape[1]
}

func (t *taker) fail(format string, args ...any) {
	if t.err == nil {
		t.err = formatErr(format, args...)
	}
}

func decodePart(name string, info partInfo, from map[string]*array) (*Part, error) {
	p := &Part{Rows: info.Shape[0], Cols: info.Shape[1]}
	if p.Rows <= 0 || p.Cols <= 0 || p.Rows > 1<<24 || p.Cols > 1<<24 {
		return nil, formatErr("part %s has shape %v", name, info.Shape)
	}
	t := &taker{name: name, from: from}
	p.Delta, _, _ = t.floats(formDelta, p.Rows, p.Cols)
	p.Columns = t.columns(p)
	a, _, rank := t.floats(formA, p.Rows, -1)
	b, rankB, _ := t.floats(formB, -1, p.Cols)
	if rank != rankB {
		t.fail("part %s: a has rank %d, b %d", name, rank, rankB)
	} else if a != nil {
		p.LowRank = &LowRank{rank, a, b}
	}
	p.Carriers = t.carriers(p, info)
	if !p.HasFloats() && p.Carriers == nil {
		t.fail("part %s has no tensors", name)
	}
	return p, t.err
}

func (t *taker) columns(p *Part) *Columns {
	index := t.from[t.name+formIndex]
	delete(t.from, t.name+formIndex)
	x, _, n := t.floats(formCols, p.Rows, -1)
	if index == nil && x == nil {
		return nil
	}
	if index == nil || index.I == nil || len(index.I) != n {
		t.fail("part %s: cols and index do not match", t.name)
		return nil
	}
	last := int32(-1)
	for _, i := range index.I {
		if i <= last || int(i) >= p.Cols {
			t.fail("part %s: column %d out of order or out of range", t.name, i)
			return nil
		}
		last = i
	}
	return &Columns{index.I, x}
}

func (t *taker) carriers(p *Part, info partInfo) *Carriers {
	x, _, n := t.floats(formScale, p.Rows, -1)
	mins, _, nm := t.floats(formMin, p.Rows, -1)
	if x == nil && mins == nil {
		return nil
	}
	typ, ok := quant.Parse(strings.ToUpper(info.Type))
	grid, editable := typ.Grid()
	if !ok || !editable || grid.Coarse || len(info.Grid) != 2*sha256.Size {
		t.fail("part %s: carriers of type %q", t.name, info.Type)
		return nil
	}
	if p.Cols%typ.Block() != 0 || n != p.Cols/grid.Group || (mins != nil) != grid.HasMin || (mins != nil && nm != n) {
		t.fail("part %s: %d scales and %d minimums a row do not match %d columns of %s", t.name, n, nm, p.Cols, typ)
		return nil
	}
	return &Carriers{typ, info.Grid, x, mins}
}

// hashBytes is the sha256 of b in hex.
func hashBytes(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
