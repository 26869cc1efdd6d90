//go:build purego || !amd64

package simd

func activeInt8() *int8Set { return &genericInt8 }
