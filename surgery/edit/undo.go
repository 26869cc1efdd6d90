package edit

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// An undo file is
//
//	magic    8 bytes "DETOXUND"
//	version  uint32
//	length   uint32, of the header
//	header   JSON, undoHeader
//	stream   flate: the bytes of the literal and xor segments, one after another
//
// all integers little-endian. The parent is the segments in order.
const (
	undoMagic   = "DETOXUND"
	undoVersion = 1
)

// Kinds of segments: where the next bytes of the parent come from.
const (
	segCopy    = "copy"    // the written file
	segXor     = "xor"     // the written file, combined with the stream by exclusive or
	segLiteral = "literal" // the stream
)

// segment is a run of bytes of the parent.
type segment struct {
	Kind   string `json:"k"`
	Length int64  `json:"n"`
	Offset int64  `json:"o,omitempty"` // in the written file
}

// undoHeader is the JSON of an undo file.
type undoHeader struct {
	Parent      string    `json:"parent_sha256"`
	ParentSize  int64     `json:"parent_size"`
	Written     string    `json:"written_sha256"`
	WrittenSize int64     `json:"written_size"`
	Segments    []segment `json:"segments"`
	// Beside lists files that belong to the model and have undo files of their own.
	Beside []undoPart `json:"beside,omitempty"`
}

// planUndo describes the parent in terms of the written file: tensors that are
// the same are copied, tensors of the same size differ in few bytes of each block
// and are stored as exclusive or, which compresses; the rest is literal.
func planUndo(parent, written *gguf.File) []segment {
	var plan []segment
	pb, wb := parent.Bytes(), written.Bytes()
	pos := int64(0)
	add := func(kind string, n, off int64) {
		pos += n
		if last := len(plan) - 1; last >= 0 && plan[last].Kind == kind &&
			(kind == segLiteral || plan[last].Offset+plan[last].Length == off) {
			plan[last].Length += n
		} else if n > 0 {
			plan = append(plan, segment{kind, n, off})
		}
	}
	// Magic, version and the two counts; then the keys, equal up to the first
	// one that the writer added or replaced.
	fixed := min(24, int64(len(pb)))
	add(segLiteral, fixed, 0)
	head := int64(0)
	for end := min(parent.DataOffset, written.DataOffset) - fixed; head < end && pb[fixed+head] == wb[fixed+head]; {
		head++
	}
	add(segCopy, head, fixed)
	for _, t := range byOffset(parent) {
		if t.Offset < pos {
			continue
		}
		add(segLiteral, t.Offset-pos, 0)
		w := written.Tensor(t.Name)
		switch {
		case w == nil || w.Size != t.Size:
			add(segLiteral, t.Size, 0)
		case bytes.Equal(w.Raw(), t.Raw()):
			add(segCopy, t.Size, w.Offset)
		default:
			add(segXor, t.Size, w.Offset)
		}
	}
	add(segLiteral, int64(len(pb))-pos, 0)
	return plan
}

// writeUndo writes an undo file for a written model.
func writeUndo(w io.Writer, h *undoHeader, parent, written []byte) error {
	js, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("edit: undo: %w", err)
	}
	if len(js) > maxHeader {
		return fmt.Errorf("edit: undo header of %d bytes is larger than the limit %d", len(js), maxHeader)
	}
	head := []byte(undoMagic)
	head = binary.LittleEndian.AppendUint32(head, undoVersion)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(js)))
	if _, err := w.Write(append(head, js...)); err != nil {
		return err
	}
	z, err := flate.NewWriter(w, flate.DefaultCompression)
	if err != nil {
		return err
	}
	pos := int64(0)
	buf := make([]byte, 1<<16)
	for _, s := range h.Segments {
		for done := int64(0); done < s.Length && s.Kind != segCopy; {
			n := copy(buf, parent[pos+done:pos+s.Length])
			if s.Kind == segXor {
				xorTo(buf[:n], written[s.Offset+done:])
			}
			if _, err := z.Write(buf[:n]); err != nil {
				return err
			}
			done += int64(n)
		}
		pos += s.Length
	}
	return z.Close()
}

func xorTo(dst, src []byte) {
	for i := range dst {
		dst[i] ^= src[i]
	}
}

// undoFile is an opened undo file, its stream not yet read.
type undoFile struct {
	undoHeader
	file   *os.File
	stream io.Reader
}

// openUndo reads the header and checks every length in it.
func openUndo(path string) (*undoFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("edit: undo: %w", err)
	}
	u := &undoFile{file: f}
	if err := u.readHeader(); err != nil {
		_ = f.Close() // only read
		return nil, fmt.Errorf("edit: undo file %s: %w", path, err)
	}
	return u, nil
}

func (u *undoFile) readHeader() error {
	r := bufio.NewReaderSize(u.file, 1<<16)
	var head [len(undoMagic) + 8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:len(undoMagic)]) != undoMagic {
		return formatErr("it does not begin with %q", undoMagic)
	}
	if v := binary.LittleEndian.Uint32(head[len(undoMagic):]); v != undoVersion {
		return formatErr("version %d, want %d", v, undoVersion)
	}
	n := binary.LittleEndian.Uint32(head[len(undoMagic)+4:])
	if n > maxHeader {
		return formatErr("header of %d bytes is larger than the limit %d", n, maxHeader)
	}
	js, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil || len(js) != int(n) {
		return formatErr("header cut off")
	}
	if err := json.Unmarshal(js, &u.undoHeader); err != nil {
		return formatErr("header: %v", err)
	}
	u.stream = flate.NewReader(r)
	return u.check()
}

// check makes sure that the segments stay inside both files.
func (u *undoFile) check() error {
	total := int64(0)
	for i, s := range u.Segments {
		if s.Length <= 0 || s.Length > u.ParentSize-total {
			return formatErr("segment %d of %d bytes at %d of %d", i, s.Length, total, u.ParentSize)
		}
		total += s.Length
		switch s.Kind {
		case segLiteral:
		case segCopy, segXor:
			if s.Offset < 0 || s.Offset > u.WrittenSize-s.Length {
				return formatErr("segment %d reads %d bytes at %d of %d", i, s.Length, s.Offset, u.WrittenSize)
			}
		default:
			return formatErr("segment %d of unknown kind %q", i, s.Kind)
		}
	}
	if total != u.ParentSize {
		return formatErr("segments cover %d of %d bytes", total, u.ParentSize)
	}
	return nil
}
