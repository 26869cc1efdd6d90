// Package op runs ONNX graphs, node by node, as their specification says.
//
// [New] checks that every operator of a model is implemented; [Program.Run] computes
// any values of the main graph from its inputs. It is the literal reading of a file
// that faster ways are held against, and the runtime of small classifiers: values are
// whole tensors in memory, freed after their last use, and every operator works on
// float32 and int64. Numbers become those of a narrower float type where the graph casts
// to it and nowhere else, as onnxruntime does on CPUs, which have no kernels for
// float16: it runs such nodes in float32 and drops the casts between them.
//
// Operators are rows of a table by domain and name, with a function each. Sources:
// the operator documents of ONNX 1.23 (opsets 11 to 23) and of onnxruntime 1.32's
// contrib operators (com.microsoft).
package op
