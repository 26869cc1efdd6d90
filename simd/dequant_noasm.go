//go:build purego || !(amd64 || arm64)

package simd

var unpackers [blockKinds]unpackerRow
