//go:build purego || !(amd64 || arm64)

package simd

func cpuTiers() []Tier { return []Tier{Generic} }

func cpuExtensions() []Extension { return nil }
