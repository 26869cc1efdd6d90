// Package model opens the language model in a GGUF file: its configuration, its
// tensors by role, and its forward pass.
//
// A Model holds no float32 copy of a weight. Each weight is a handle, a
// simd.Matrix that expands rows of the mapped file when a product needs them;
// SetMatrix replaces a handle by a trainable or edited one and nil restores the
// file's. Training runs Forward on an nn.Tape, over sequences packed one after
// another without padding:
//
//	b := model.NewBatch(ids1, ids2)
//	h := m.Forward(tape, b, model.ForwardOptions{KeepBlocks: true})
//	loss := nn.CrossEntropy(tape, h.Last, m.Head(), targets, weight)
//
// Generation keeps keys and values of earlier tokens in a Session; Generate runs
// many prompts through one, with draws that depend on (seed, prompt, step) only.
//
// An architecture is one file (configuration keys, tensors of a block, the order
// of operations in a block) and one row in table.go. Both passes, training and
// generation, run the same block function; only the attention differs.
//
// Letters in comments: T tokens, D width, F feed-forward width, V vocabulary.
package model
