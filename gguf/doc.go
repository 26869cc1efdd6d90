// Package gguf reads and writes GGUF model files without loss: versions 2 and 3,
// any alignment, every tensor type.
//
// [Open] maps a file and checks all of it that is not tensor data: every length,
// count and offset is bounded by the file before it is used, so that a hostile
// file is refused with an [*Error] and no large allocation. Values and tensors
// point into the mapping; nothing is copied until it is asked for. Big-endian
// files and files with a key twice, which llama.cpp does not load either, are
// refused; keys that nothing here knows stay where they are.
//
// [File.WriteTo] writes the file again with edits. What is not edited is copied
// byte for byte, padding and bytes after the last tensor included; without edits
// the output is the input. [WriteFile] puts such output in place atomically.
package gguf
