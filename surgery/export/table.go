package export

import (
	"context"
	"errors"
	"fmt"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/simd"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/data"
)

// Input is what is exported.
type Input struct {
	Parent *gguf.File
	// The change: a float edit of the parent, or the edited file. Exactly one is set
	// where the form needs one.
	Edit   *edit.Edit
	Edited *gguf.File

	Rank      Rank        // of adapters
	Pairs     []data.Pair // for control vectors
	BaseModel string      // what a PEFT adapter says that it belongs to; may be empty
	Adapter   string      // path of the adapter that a Modelfile names; may be empty
	Model     string      // path of the model that a Modelfile names
	Tool      string      // name and version of the program
	Force     bool        // replace existing files
	Pool      *simd.Pool
	Progress  func(done, total int) // may be nil
}

// Result says what was written.
type Result struct {
	Form    string         `json:"form"`
	Files   []string       `json:"files"`
	Tensors []TensorResult `json:"tensors"`
	Left    []Left         `json:"left_out"`
}

// TensorResult is what became of one changed tensor.
type TensorResult struct {
	Name string `json:"name"`
	As   string `json:"as,omitempty"` // its name in the written file, where that is another
	Rank int    `json:"rank,omitempty"`
	// Energy is the share of the squared norm of the change that the written form
	// keeps.
	Energy float64 `json:"energy_kept"`
	Norm   float64 `json:"norm"` // of the change
}

// Form is a way to write an edit.
type Form struct {
	Name  string
	About string
	// NeedsChange says that the form holds a change, so that there must be an edit or
	// an edited file.
	NeedsChange bool
	// check refuses bad input before any work; may be nil.
	check func(in *Input, out string) error
	write func(ctx context.Context, in *Input, out string) (*Result, error)
}

// Forms lists the forms.
var Forms = []Form{
	{Name: "lora", About: "a GGUF adapter for llama.cpp and Ollama", NeedsChange: true, check: checkRank, write: writeLoRA},
	{Name: "peft", About: "a folder that Hugging Face PEFT loads", NeedsChange: true, check: checkPEFT, write: writePEFT},
	{Name: "control-vector", About: "a GGUF control vector: what the edit adds to the residual stream on average", NeedsChange: true, check: checkVector, write: writeVector},
	{Name: "modelfile", About: "an Ollama Modelfile for a GGUF file", write: writeModelfile},
}

// Find returns the form of that name.
func Find(name string) (Form, bool) {
	for _, f := range Forms {
		if f.Name == name {
			return f, true
		}
	}
	return Form{}, false
}

// Write exports in as the form f to out, a file, or a folder for PEFT: all of it or
// nothing. An existing file is refused (fs.ErrExist) unless in.Force is set.
func Write(ctx context.Context, f Form, in *Input, out string) (*Result, error) {
	if f.NeedsChange && (in.Edit == nil) == (in.Edited == nil) {
		panic(errInput)
	}
	if f.check != nil {
		if err := f.check(in, out); err != nil {
			return nil, err
		}
	}
	r, err := f.write(ctx, in, out)
	if err != nil {
		return nil, err
	}
	r.Form = f.Name
	return r, nil
}

const errInput = "export: needs either an edit or an edited file"

// ErrOption marks options out of range.
var ErrOption = errors.New("export: bad option")

// maxRank bounds what is asked for; no adapter has more.
const maxRank = 4096

func checkRank(in *Input, _ string) error {
	switch r := in.Rank; {
	case r.Max < 1 || r.Max > maxRank:
		return fmt.Errorf("%w: rank must be within 1..%d, not %d", ErrOption, maxRank, r.Max)
	case !(r.Energy >= 0 && r.Energy <= 1):
		return fmt.Errorf("%w: energy must be above 0 and at most 1, not %g", ErrOption, r.Energy)
	}
	return nil
}
