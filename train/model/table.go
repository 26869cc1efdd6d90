package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// architecture is what differs between the values of general.architecture.
type architecture struct {
	name string
	// layerNorm says that norms subtract the mean, and which epsilon is read.
	layerNorm bool
	// learnedPositions says that there is no rotation but a table of positions.
	learnedPositions bool
	// experts says that the feed-forward part is a mixture; the table may have a row
	// with and one without for a name.
	experts bool
	// neox says how rotated dimensions pair, see nn.Rotation.
	neox bool
	// configure reads the keys of this architecture beyond the shared ones.
	configure func(k *keys, c *Config)
	// top lists tensors of the whole model beside embedding, final norm and head,
	// block those of a block, and optional what either may have or not.
	top, block, optional []Kind
	// layer runs block l on the residual stream x [T, D].
	layer func(r *run, l int, x *nn.Value) *nn.Value
}

func noKeys(*keys, *Config) {}

// architectures is the table of what Open understands.
var architectures = []*architecture{
	&falcon,
	&gemma,
	&gemma2,
	&gemma3,
	&gpt2,
	&gptneox,
	&granite,
	&llama,
	&llamaMoE,
	&olmo2,
	&phi3,
	&qwen2,
	&qwen3,
	&qwen3moe,
	&stablelm,
	&starcoder2,
}

// Supported is an architecture that Open understands.
type Supported struct {
	Name    string // value of general.architecture
	Experts bool   // with a mixture of experts
}

// Architectures lists what Open understands, in the order of names.
func Architectures() []Supported {
	out := make([]Supported, len(architectures))
	for i, a := range architectures {
		out[i] = Supported{a.name, a.experts}
	}
	return out
}
