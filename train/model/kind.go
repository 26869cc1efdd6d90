package model

import (
	"fmt"

	"github.com/detox-surgery/detox-surgery/gguf"
)

// companions are the values of general.type of files that go with a language model.
var companions = map[string]string{
	"mmproj":  "a multimodal projector (mmproj)",
	"adapter": "an adapter",
	"imatrix": "an importance matrix",
}

// Companion says what f is where it is no language model but goes with one, as a
// multimodal projector does; empty for all else.
func Companion(f *gguf.File) string {
	kind, _ := f.String("general.type")
	if arch, _ := f.String("general.architecture"); arch == "clip" { // older converters write no general.type
		kind = "mmproj"
	}
	return companions[kind]
}

func checkKind(f *gguf.File) error {
	if what := Companion(f); what != "" {
		return unsupported(fmt.Sprintf("model: file is %s, not a language model; name the file of the model that it goes with", what))
	}
	return nil
}
