package edit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// Container is another format than GGUF that a model came in.
type Container interface {
	// Parts are the bytes of the parent's files, the model first.
	Parts() [][]byte
	// Write writes the model with these tensors and keys to out and what belongs to
	// it beside it, all or nothing.
	Write(out string, tensors map[string]gguf.Replacement, keys []gguf.KV, force bool) ([]WrittenPart, error)
}

// WrittenPart is one file of a model that consists of several.
type WrittenPart struct {
	Path           string
	Location       string // as the model names it; empty: the model itself
	ParentLocation string
	Parent         []byte // the file that it was made from
	Size           int64
	SHA256         string
	Kept           bool // it is the parent's own file
	Changes        []Change
}

// Change is a range of the parent, and what took its place in the written file.
type Change struct{ Old, OldLen, New, NewLen int64 }

// undoPart names a file beside a restored model, in its undo file.
type undoPart struct {
	Written string `json:"written"` // its undo file is this name with .undo
	Parent  string `json:"parent"`
	Kept    bool   `json:"kept,omitempty"`
}

// hashParts is the hash of a model: of its file, or of the hashes of its files.
func hashParts(parts [][]byte) string {
	if len(parts) == 1 {
		return hashBytes(parts[0])
	}
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeParts writes the model through its container, then an undo file for each file.
func (res *Result) writeParts(c Container, edits gguf.Edits, force bool) error {
	parts, err := c.Write(res.Out, edits.Data, edits.Set, force)
	if err != nil {
		return err
	}
	res.Written = parts[0].SHA256
	var beside []undoPart
	for i, p := range parts {
		res.Size += p.Size
		if i > 0 {
			beside = append(beside, undoPart{Written: p.Location, Parent: p.ParentLocation, Kept: p.Kept})
		}
	}
	for i, p := range parts {
		if p.Kept {
			continue
		}
		undo := p.Path + ".undo"
		if i == 0 {
			undo = res.Undo
		} else {
			beside = nil
		}
		if err := p.writeUndo(undo, beside, force); err != nil {
			return err
		}
		beside = nil
	}
	return nil
}

func (p *WrittenPart) writeUndo(undo string, beside []undoPart, force bool) error {
	written, err := os.ReadFile(p.Path)
	if err != nil {
		return fmt.Errorf("edit: read back: %w", err)
	}
	head := &undoHeader{
		Parent: hashBytes(p.Parent), ParentSize: int64(len(p.Parent)), Written: p.SHA256, WrittenSize: p.Size,
		Segments: p.segments(), Beside: beside,
	}
	return gguf.WriteFile(undo, force, func(w io.Writer) error { return writeUndo(w, head, p.Parent, written) })
}

// segments describes the parent in terms of the written file.
func (p *WrittenPart) segments() []segment {
	var out []segment
	pos, at := int64(0), int64(0) // in the parent, in the written file
	add := func(kind string, n, off int64) {
		if n > 0 {
			out = append(out, segment{kind, n, off})
		}
	}
	for _, c := range p.Changes {
		add(segCopy, c.Old-pos, at)
		if c.OldLen == c.NewLen {
			add(segXor, c.OldLen, c.New)
		} else {
			add(segLiteral, c.OldLen, 0)
		}
		pos, at = c.Old+c.OldLen, c.New+c.NewLen
	}
	add(segCopy, int64(len(p.Parent))-pos, at)
	return out
}

// restoreBeside restores the files that belong to a model, from the folder of the
// written one to that of the restored one.
func (u *undoHeader) restoreBeside(out, to string, force bool) error {
	for _, p := range u.Beside {
		if !filepath.IsLocal(filepath.FromSlash(p.Written)) || !filepath.IsLocal(filepath.FromSlash(p.Parent)) {
			return formatErr("it names a file outside of the model's folder")
		}
		from := filepath.Join(filepath.Dir(out), filepath.FromSlash(p.Written))
		dst := filepath.Join(filepath.Dir(to), filepath.FromSlash(p.Parent))
		if p.Kept {
			if err := keepFile(from, dst, force); err != nil {
				return err
			}
			continue
		}
		if _, err := Restore(from, from+".undo", dst, force); err != nil {
			return err
		}
	}
	return nil
}

// keepFile makes dst the same as from.
func keepFile(from, dst string, force bool) error {
	a, err := os.Stat(from)
	if err != nil {
		return fmt.Errorf("edit: restore: %w", err)
	}
	if b, err := os.Stat(dst); err == nil && os.SameFile(a, b) {
		return nil
	}
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("edit: restore: %w", err)
	}
	err = gguf.WriteFile(dst, force, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
	return errors.Join(err, f.Close())
}
