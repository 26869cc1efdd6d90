// Package edit holds what is done to the weights of a model: the Edit type and
// its file, the model that computes with a float edit, the writer that carries
// the edit into a quantized file, and the way back.
//
// An Edit changes tensors by role ("blk.17.ffn_down"), so it applies to every
// quantization of a model. The exception are block carriers, relative changes of
// the scales and minimums of a quantized tensor: they belong to that tensor's
// codes, and a hash binds them.
//
// The hard part is the writer. The weights of a 4-bit file lie on a grid whose
// step is ten times a typical edit, so rounding to nearest gives the original
// model back. Carriers are written exactly (to half precision); float changes go
// through one of the roundings in table.go, of which "aware" chooses codes and
// carriers so that the layer's output on calibration activations follows the
// float edit.
//
// Write leaves OUT and OUT.undo; Restore turns both into the parent's bytes.
package edit
