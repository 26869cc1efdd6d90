// Package onnxlm finds a decoder language model in an ONNX graph and opens it as a
// model of package train/model: the same forward and backward passes, roles and
// edits as for GGUF files.
//
// An ONNX file does not say what its weights are for. [Open] finds it out from the
// structure: which nodes are linear maps, in which of their many forms; which are
// norms; who writes into the residual stream; what lies between an attention's
// projections and a feed-forward part's. Names count for nothing. What structure
// does not give as a constant (heads, rotary frequencies) is read off the values
// that the graph has on a short prompt. The model that comes out is then held
// against the graph itself, run node by node, on that prompt: if their logits
// differ, the file is refused before any work.
//
// Weights are kept as the file has them: floats in their type, integer codes with
// their scales and zero points as a scaled type of package quant. [Patient.Payloads]
// turns edited tensors back into the file's.
package onnxlm
