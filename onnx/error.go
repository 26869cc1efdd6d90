package onnx

import (
	"errors"
	"fmt"
)

// ErrFormat is wrapped by every error about a file that breaks the format.
var ErrFormat = errors.New("malformed file")

// ErrUnsupported is wrapped by every error about a file that may be fine but is
// of a kind that this package does not read or write.
var ErrUnsupported = errors.New("unsupported")

// Error says what is wrong with a file and where.
type Error struct {
	File   string // file name, empty for bytes in memory
	Offset int64  // byte in the file where the trouble was noticed
	Field  string // what was being read there, such as graph.node[3].attribute[0].t
	Err    error  // the cause
}

// Error implements error.
func (e *Error) Error() string {
	where := fmt.Sprintf("%s at byte %d", e.Field, e.Offset)
	if e.File != "" {
		where = e.File + ": " + where
	}
	return "onnx: " + where + ": " + e.Err.Error()
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

// short keeps a name from a file readable in a message.
func short(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}
