package patient

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/internal/atomicfile"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// container writes edits into an ONNX model: payloads in their places, provenance in
// metadata_props.
type container struct{ p *Patient }

// Parts implements edit.Container.
func (c *container) Parts() [][]byte {
	m := c.p.ONNX.ONNX
	out := [][]byte{m.Bytes()}
	for _, f := range m.Files {
		out = append(out, f.Bytes())
	}
	return out
}

// Write implements edit.Container.
func (c *container) Write(out string, tensors map[string]gguf.Replacement, keys []gguf.KV, force bool) ([]edit.WrittenPart, error) {
	raw := map[string][]byte{}
	for name, r := range tensors {
		if t := c.p.File.Tensor(name); t == nil || t.Type != r.Type {
			return nil, fmt.Errorf("%w: %s of an ONNX model keeps its type", model.ErrUnsupported, name)
		}
		raw[name] = r.Bytes
	}
	data, err := c.p.ONNX.Payloads(raw)
	if err != nil {
		return nil, err
	}
	m := c.p.ONNX.ONNX
	w, err := m.WriteFile(out, force, onnx.Edits{Data: data, Metadata: props(keys)})
	if err != nil {
		return nil, err
	}
	parents := c.Parts()
	var parts []edit.WrittenPart
	for i, f := range w.Files {
		p := edit.WrittenPart{Path: f.Path, Parent: parents[i], Size: f.Size, SHA256: f.SHA256, Kept: f.Kept, Location: f.Location}
		if i > 0 {
			p.ParentLocation = m.Files[i-1].Location
		}
		for _, x := range f.Changes {
			p.Changes = append(p.Changes, edit.Change{Old: x.Old.Start, OldLen: x.Old.Len(), New: x.New.Start, NewLen: x.New.Len()})
		}
		parts = append(parts, p)
	}
	return parts, c.copyCompanions(filepath.Dir(out))
}

// props are keys as metadata_props.
func props(keys []gguf.KV) []onnx.Prop {
	var out []onnx.Prop
	for _, kv := range keys {
		text := ""
		switch v := kv.Value.Any().(type) {
		case string:
			text = v
		case uint32:
			text = strconv.FormatUint(uint64(v), 10)
		case float32:
			text = strconv.FormatFloat(float64(v), 'g', -1, 32)
		}
		out = append(out, onnx.Prop{Key: kv.Key, Value: text})
	}
	return out
}

// companionTypes are the endings of files that runtimes want beside a model.
var companionTypes = []string{".json", ".txt", ".jinja", ".model"}

// maxCompanion bounds a file that is copied, above any vocabulary.
const maxCompanion = 256 << 20

// copyCompanions puts tokenizer and configuration beside a model that is written to
// another folder, where they are not there yet.
func (c *container) copyCompanions(dir string) error {
	if c.p.companions == "" {
		return nil
	}
	entries, err := os.ReadDir(c.p.companions)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		to := filepath.Join(dir, e.Name())
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxCompanion || !slices.Contains(companionTypes, strings.ToLower(filepath.Ext(e.Name()))) {
			continue
		}
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := copyFile(filepath.Join(c.p.companions, e.Name()), to); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	return atomicfile.Write(to, false, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}
