package onnxlm

import "github.com/detox-surgery/detox-surgery/train/model"

// unsupported is an error that is model.ErrUnsupported.
type unsupported string

func (u unsupported) Error() string     { return string(u) }
func (u unsupported) Is(err error) bool { return err == model.ErrUnsupported }
