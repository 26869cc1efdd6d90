package gguf

import (
	"errors"
	"fmt"
)

// ErrFormat is wrapped by every error about a file that breaks the format.
var ErrFormat = errors.New("malformed file")

// ErrUnsupported is wrapped by every error about a file that may be fine but is
// of a kind that this package does not read (version 1, big-endian, removed or
// unknown tensor types, arrays of arrays).
var ErrUnsupported = errors.New("unsupported")

// Error says what is wrong with a file and where.
type Error struct {
	Path   string // file name, empty for bytes in memory
	Offset int64  // byte in the file where the trouble was noticed
	Field  string // what was being read there: a key, a tensor, a part of the header
	Err    error  // the cause, wrapping ErrFormat or ErrUnsupported
}

// Error implements error.
func (e *Error) Error() string {
	where := fmt.Sprintf("%s at byte %d", e.Field, e.Offset)
	if e.Path != "" {
		where = e.Path + ": " + where
	}
	return "gguf: " + where + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// malformed is an ErrFormat with a reason.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// unsupported is an ErrUnsupported with a reason.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...)
}
