package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/detox-surgery/detox-surgery/surgery/eval"
)

// Version of the JSON document. Readers refuse other versions.
const Version = 1

// Report is everything there is to say about one operation. Empty parts are left out
// of the documents.
type Report struct {
	Version  int            `json:"version"`
	Title    string         `json:"title"`              // "SmolLM2-135M-Instruct.Q4_1.gguf"
	Subtitle string         `json:"subtitle,omitempty"` // one line on what was done
	Tool     string         `json:"tool,omitempty"`     // program and version
	Results  []*eval.Result `json:"results"`            // original first, then edited float, then the written file
	Curves   []Curve        `json:"curves,omitempty"`
	Neurons  []Neuron       `json:"neurons,omitempty"`
	Settings []Setting      `json:"settings,omitempty"`
	Files    []File         `json:"files,omitempty"`
	Tensors  []Tensor       `json:"tensors,omitempty"`
	Notes    []string       `json:"notes,omitempty"` // caveats, each a sentence
}

// Curve is one quantity over training steps. Curves with the same Panel share axes.
type Curve struct {
	Panel string    `json:"panel"` // "loss"
	Name  string    `json:"name"`  // "KL on pairs"
	X     []float64 `json:"x"`     // steps
	Y     []float64 `json:"y"`
}

// Neuron is one FFN neuron and its share of the toxicity.
type Neuron struct {
	Block int     `json:"block"`
	Index int     `json:"index"`
	Score float64 `json:"score"`
}

// Setting is one choice of the operation.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// File is a file the operation read or wrote, by the last element of its path.
type File struct {
	Role   string `json:"role"` // "parent", "written", "edit", "pairs"
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Tensor says what became of one edited tensor.
type Tensor struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	Codes  float64 `json:"codes_changed"`  // share
	Scales float64 `json:"scales_changed"` // share
	RelErr float64 `json:"relative_error"` // of the written edit against the trained one
}

// ErrVersion is wrapped by the error for documents of another version.
var ErrVersion = errors.New("report: unknown version")

// WriteJSON writes the versioned document, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	doc := *r
	doc.Version = Version
	doc.Curves = nil
	for _, c := range r.Curves {
		doc.Curves = append(doc.Curves, finite(c)) // JSON has no NaN
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(&doc); err != nil {
		return fmt.Errorf("report: json: %w", err)
	}
	return nil
}

// Read reads a document that WriteJSON wrote.
func Read(rd io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(rd).Decode(&r); err != nil {
		return nil, fmt.Errorf("report: json: %w", err)
	}
	if r.Version != Version {
		return nil, fmt.Errorf("%w %d, want %d", ErrVersion, r.Version, Version)
	}
	return &r, nil
}
