// Package jsonfile reads small JSON files that came with a model.
package jsonfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Bytes returns what is in a file of at most limit bytes. The error wraps fs.ErrNotExist if there is none.
func Bytes(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes, want at most that", name, limit)
	}
	return raw, nil
}

// Read decodes a file of at most limit bytes. The error names the file and wraps fs.ErrNotExist if there is none.
func Read(fsys fs.FS, name string, limit int64, into any) error {
	raw, err := Bytes(fsys, name, limit)
	if err != nil {
		return err
	}
	return Decode(name, raw, into)
}

// Optional is Read, but for a file that is not there it leaves into alone.
func Optional(fsys fs.FS, name string, limit int64, into any) error {
	if err := Read(fsys, name, limit, into); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Decode decodes what is in a file; the error names it, and the place in it.
func Decode(name string, raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: byte %d: %w", name, syntax.Offset, err)
	case errors.As(err, &typ):
		return fmt.Errorf("%s: byte %d: %s is a JSON %s", name, typ.Offset, typ.Field, typ.Value)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// cause takes away the name that a PathError repeats.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
