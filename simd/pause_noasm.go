//go:build purego || !(amd64 || arm64)

package simd

import "runtime"

// pause lets other goroutines run.
func pause() { runtime.Gosched() }
