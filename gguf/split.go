package gguf

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Keys of the files of a split set, as llama-gguf-split writes them. The first file
// has all other keys, every file a run of the tensors.
const (
	splitNo      = "split.no"            // uint16, from 0
	splitCount   = "split.count"         // uint16
	splitTensors = "split.tensors.count" // int32, of the whole set
)

// maxShards is the most that the five digits of a name and the uint16 of a key hold.
const maxShards = 65535

var shardName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// ShardName is the name of file i (from 0) of n of a set: prefix-00001-of-00003.gguf.
func ShardName(prefix string, i, n int) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, i+1, n)
}

// Shards returns how many files the set of f has, 1 where f is whole.
func (f *File) Shards() (int, error) {
	if _, ok := f.keys[splitCount]; !ok {
		return 1, nil
	}
	n, ok := f.Uint(splitCount)
	no, ok2 := f.Uint(splitNo)
	switch {
	case !ok || !ok2:
		return 0, fmt.Errorf("gguf: %s: keys %s and %s are not whole numbers", f.path, splitCount, splitNo)
	case n > maxShards || no >= max(n, 1):
		return 0, fmt.Errorf("gguf: %s: it says that it is part %d (from 0) of %d", f.path, no, n)
	}
	return max(1, int(n)), nil
}

// OpenSet opens all files of the set that the file at path, any of them, belongs to, in
// order; a whole file is a set of one. Their names must be those of ShardName.
func OpenSet(path string) (set []*File, err error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	n, err := f.Shards()
	if n == 1 && err == nil {
		return []*File{f}, nil
	}
	if e := f.Close(); err != nil || e != nil {
		return nil, errors.Join(err, e)
	}
	parts := shardName.FindStringSubmatch(filepath.Base(path))
	if parts == nil || parts[3] != fmt.Sprintf("%05d", n) {
		return nil, fmt.Errorf("gguf: %s is one of %d files of a split model, but is not named so: NAME-00001-of-%05d.gguf", path, n, n)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, CloseSet(set))
			set = nil
		}
	}()
	total := 0
	for i := range n {
		name := filepath.Join(filepath.Dir(path), ShardName(parts[1], i, n))
		f, err := Open(name)
		if err != nil {
			return set, err
		}
		set = append(set, f)
		total += len(f.Tensors)
		no, ok := f.Uint(splitNo)
		if count, err := f.Shards(); err != nil || count != n || !ok || no != uint64(i) {
			return set, errors.Join(err, fmt.Errorf("gguf: %s: its keys do not say part %d (from 0) of %d", name, i, n))
		}
	}
	if want, ok := set[0].Uint(splitTensors); ok && want != uint64(total) {
		return set, fmt.Errorf("gguf: %s: key %s is %d, but the set has %d tensors", set[0].path, splitTensors, want, total)
	}
	return set, nil
}

// CloseSet closes all files of a set.
func CloseSet(set []*File) error {
	var err error
	for _, f := range set {
		err = errors.Join(err, f.Close())
	}
	return err
}

// OpenWhole opens the model at path: as Open does, or, where that is a file of a split set,
// the set as one file, with the keys of the first and the tensors of all. That has no
// bytes, so that it cannot be written; Close closes the set.
func OpenWhole(path string) (*File, error) {
	set, err := OpenSet(path)
	if err != nil || len(set) == 1 {
		return only(set), err
	}
	tensors, err := tensorsOf(set)
	if err != nil {
		return nil, errors.Join(err, CloseSet(set))
	}
	var kvs []KV
	for _, kv := range set[0].KV {
		if !strings.HasPrefix(kv.Key, "split.") {
			kvs = append(kvs, kv)
		}
	}
	f := NewFile(path, kvs, tensors)
	f.Version, f.Alignment, f.set = set[0].Version, set[0].Alignment, set
	return f, nil
}

// MergedSum256 is the SHA-256, in hex, of what WriteMerged makes of the set of f.
func (f *File) MergedSum256() (string, error) {
	h := sha256.New()
	if _, err := WriteMerged(h, f.set); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func only(set []*File) *File {
	if len(set) == 1 {
		return set[0]
	}
	return nil
}

// tensorsOf lists the tensors of a set in order.
func tensorsOf(set []*File) ([]*Tensor, error) {
	var tensors []*Tensor
	names := map[string]bool{}
	for _, f := range set {
		for _, t := range f.Tensors {
			if names[t.Name] {
				return nil, fmt.Errorf("gguf: %s: tensor %s is in another file of the set as well", f.path, t.Name)
			}
			names[t.Name] = true
		}
		tensors = append(tensors, f.Tensors...)
	}
	return tensors, nil
}

// WriteMerged writes the files of a set as one: the keys of the first without those of
// splitting, and the tensors of all in order. Data keeps its bytes.
func WriteMerged(w io.Writer, set []*File) (int64, error) {
	first := set[0]
	tensors, err := tensorsOf(set)
	if err != nil {
		return 0, err
	}
	var kvs [][]byte
	for i, kv := range first.KV {
		if !strings.HasPrefix(kv.Key, "split.") {
			kvs = append(kvs, first.rawKV(i))
		}
	}
	return first.assemble(w, kvs, tensors)
}

// WriteShard writes file i of n of a set: count tensors of f from the one numbered from
// on, and, in the first, the keys of f.
func (f *File) WriteShard(w io.Writer, i, n, from, count int) (int64, error) {
	var kvs [][]byte
	if i == 0 {
		for k, kv := range f.KV {
			if !strings.HasPrefix(kv.Key, "split.") {
				kvs = append(kvs, f.rawKV(k))
			}
		}
	} else if k, ok := f.keys[alignKey]; ok {
		kvs = append(kvs, f.rawKV(k))
	}
	for _, kv := range []KV{
		{splitNo, ValueOf(uint16(i))}, {splitTensors, ValueOf(int32(len(f.Tensors)))}, {splitCount, ValueOf(uint16(n))},
	} {
		kvs = append(kvs, appendKV(nil, kv))
	}
	return f.assemble(w, kvs, f.Tensors[from:from+count])
}

func (f *File) rawKV(i int) []byte { return f.data[f.spans[i].start:f.spans[i].end] }

// assemble writes a file of encoded keys and tensors with the version and alignment of f.
func (f *File) assemble(w io.Writer, kvs [][]byte, tensors []*Tensor) (int64, error) {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("GGUF"), f.Version)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(kvs)))
	for _, kv := range kvs {
		b = append(b, kv...)
	}
	var next int64
	for _, t := range tensors {
		b = appendInfo(b, t, t.Type, next)
		next = padded(next+t.Size, f.Alignment)
	}
	out := &counter{w: w}
	out.write(b)
	out.write(make([]byte, padded(int64(len(b)), f.Alignment)-int64(len(b))))
	for _, t := range tensors {
		out.copy(t.raw, t.in, t.Offset)
		out.write(make([]byte, padded(t.Size, f.Alignment)-t.Size))
	}
	return out.n, out.err
}

// Cut divides the tensors of f into runs for the files of a set: of maxTensors each, or
// where that is 0 of maxBytes of data, padding included, and one tensor at least.
func (f *File) Cut(maxTensors int, maxBytes int64) []int {
	var runs []int
	var bytes int64
	for i, t := range f.Tensors {
		size := padded(t.Size, f.Alignment)
		full := maxTensors > 0 && len(runs) > 0 && runs[len(runs)-1] >= maxTensors || maxTensors == 0 && bytes+size > maxBytes
		if i == 0 || full {
			runs, bytes = append(runs, 0), 0
		}
		runs[len(runs)-1]++
		bytes += size
	}
	return runs
}

// ParseSize reads a number of bytes as llama-gguf-split does: 500M or 2G, in powers of 1000.
func ParseSize(s string) (int64, error) {
	factor := map[byte]int64{'M': 1e6, 'G': 1e9}
	if len(s) > 1 {
		if f, ok := factor[s[len(s)-1]]; ok {
			if n, err := strconv.ParseInt(s[:len(s)-1], 10, 32); err == nil && n > 0 {
				return n * f, nil
			}
		}
	}
	return 0, fmt.Errorf("gguf: %q is no size: a number and M or G", s)
}
