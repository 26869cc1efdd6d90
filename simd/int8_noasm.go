//go:build purego || !(amd64 || arm64)

package simd

func activeInt8() *int8Set { return &genericInt8 }
