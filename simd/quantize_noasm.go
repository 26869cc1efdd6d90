//go:build purego || !amd64

package simd

var packers [blockKinds]packerRow
