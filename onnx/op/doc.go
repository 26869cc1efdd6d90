// Package op runs ONNX graphs, node by node, as their specification says.
//
// [New] checks that every operator of a model is implemented at the model's opset;
// [Program.Run] computes any values of the main graph from its inputs. It is the
// literal reading of a file that faster ways are held against, and the runtime of
// small classifiers: values are whole tensors in memory, let go after their last use,
// and bounded before they are made. Branches, loops and the model's own functions are
// executed.
//
// Floats are computed in float32, doubles too, and sums in float64 where they are not
// matrix products. FLOAT16 and BFLOAT16 are computed as onnxruntime's CPU provider
// does, which has no kernels for their arithmetic: a chain of nodes stays in float32,
// and values are rounded where elements are cast, moved (Reshape, Gather, Concat...)
// or returned. A literal rounding after every node would overflow in models that
// work there.
//
// Operators are rows of a table by domain and name, with the versions of their
// definition that are executed and a function. Sources: the operator documents of ONNX
// 1.23 and of onnxruntime 1.32's contrib operators (com.microsoft).
//
// Not supported: sparse and complex tensors, optionals and maps, floats below 16
// bits, training, images and recurrent layers.
package op
