// Package onnx reads and writes ONNX models without loss.
//
// An ONNX model is a protobuf message: fields of number, wire type and value, in
// which messages lie as values with their length in front. Weights are tensors
// (initializers and attributes of nodes) whose elements are in raw_data, in typed
// repeated fields, or in files beside the model.
//
// [Open] maps the files and indexes what they hold: graphs, nodes, attributes,
// tensors, each with its range of bytes ([Span]). Every length is bounded by the
// file before it is used, nesting is bounded, and the index takes no more memory
// than the model file's size and 64 MB; a hostile file is refused with an
// [*Error]. Elements stay in the mapping until they are asked for.
//
// [Model.WriteTo] and [Model.WriteFile] write the model again with edits. What is
// not edited is copied byte for byte: unknown fields, the order of fields,
// functions, training information, annotations. A payload that keeps its size is
// replaced in place; one that changes it changes the lengths of the messages
// around it as well. Without edits the output is the input.
//
// [NewIndex] tells where each value is made and read, across sub-graphs, so that
// shared weights are found; [Model.Check] looks for undefined names, double
// definitions and circles.
//
// The format is that of onnx.proto of ONNX 1.23. Not supported: tensors in
// segments, singular fields that occur more than once, editing strings.
package onnx
