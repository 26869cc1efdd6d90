package pairs

import (
	_ "embed"
	"strings"
)

//go:generate go run -C data generate.go

//go:embed data/primers.txt
var primerFile string

//go:embed data/beginnings.txt
var beginningFile string

// Primers returns the embedded lines of abuse under which a model writes rejected continuations.
func Primers() []string { return strings.Split(strings.TrimSpace(primerFile), "\n") }

// Beginnings returns the embedded neutral beginnings of sentences.
func Beginnings() []string { return strings.Split(strings.TrimSpace(beginningFile), "\n") }
