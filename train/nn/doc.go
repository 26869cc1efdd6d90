// Package nn is an eager tape of fused operations on float32 activations with
// forward and backward side by side, the losses that read the output head, and
// the parameters that an edit may train.
//
// An op is a function of a Tape; it computes its result at once and, where a
// gradient can flow, records what its backward needs. Weights are simd.Matrix
// values: frozen ones stay quantized and cost no memory beyond the file, those
// that implement Trainable receive the gradient of their effective values.
//
// Sequences are packed one after another in T (no padding); a Span tells where
// each lies. Results do not depend on the number of workers: work is cut into
// fixed chunks and sums run in a fixed order.
//
// Products with weights are float32 unless SetPrecision asks for 16 bits.
//
// A model that reads a value no more says so with Tape.Release, or per block
// with Mark and ReleaseSince:
//
//	mark := tp.Mark()
//	y := block(tp, x)
//	tp.ReleaseSince(mark, y)
//	tp.Release(x)
//
// The memory is free again as soon as no recorded op needs it: at once on a tape
// without gradients, in the course of Backward otherwise. All buffers come from
// the tape's own pool, so that steps of similar size allocate nothing after the
// first.
package nn
