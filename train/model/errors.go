package model

import "errors"

// ErrUnsupported marks files that are well formed but need something that this
// package does not implement: an unknown architecture, a RoPE scaling, a tensor
// type without a decoder. Test with errors.Is.
var ErrUnsupported = errors.New("model: unsupported")

// unsupported is an error with its own one-line message that is ErrUnsupported.
type unsupported string

func (u unsupported) Error() string     { return string(u) }
func (u unsupported) Is(err error) bool { return err == ErrUnsupported }

// Panics of wrong calls.
const (
	errShape   = "model: matrix shape differs from the tensor it replaces"
	errRole    = "model: the model has no matrix of this role"
	errBatch   = "model: batch positions or spans do not match its tokens"
	errSlots   = "model: session slots out of range or listed twice, or tokens not one list per slot"
	errLength  = "model: sequence longer than the session allows"
	errEmpty   = "model: empty sequence"
	errContext = "model: position beyond the context of a model that learned its positions"
	errToken   = "model: token id outside the vocabulary"
	errBlocks  = "model: number of blocks out of range"
	errStart   = "model: start block out of range or input of wrong shape"
)
