//go:build !purego

package simd

// cpuTiers needs no question: every arm64 CPU that Go runs on has Advanced SIMD.
func cpuTiers() []Tier { return []Tier{Generic, NEON} }
