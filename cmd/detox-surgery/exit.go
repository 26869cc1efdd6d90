package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/onnx"
	"github.com/detox-surgery/detox-surgery/surgery/hub"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// Exit codes; the README documents them.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitUnsupported = 3
	exitCheck       = 4
	exitInterrupted = 130
)

// errSilent marks a result that was already printed, such as a difference.
var errSilent = errors.New("")

// errCheck marks a check that failed: diff, verify, thresholds.
var errCheck = errors.New("check failed")

type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode maps an error to the documented code.
func exitCode(err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage), errors.Is(err, hub.ErrUnknown):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errCheck):
		return exitCheck
	case errors.Is(err, model.ErrUnsupported), errors.Is(err, gguf.ErrUnsupported), errors.Is(err, onnx.ErrUnsupported):
		return exitUnsupported
	}
	return exitFailure
}
