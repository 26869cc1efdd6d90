package model

import "github.com/detox-surgery/detox-surgery/train/nn"

// architecture is what differs between the values of general.architecture.
type architecture struct {
	name string
	// configure reads the keys of this architecture beyond the shared ones.
	configure func(k *keys, c *Config)
	// block lists the tensors of a block.
	block []Kind
	// layer runs block l on the residual stream x [T, D].
	layer func(r *run, l int, x *nn.Value) *nn.Value
}

// architectures is the table of what Open understands.
var architectures = []*architecture{
	&gemma3,
	&llama,
}
