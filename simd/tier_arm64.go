//go:build !purego

package simd

import "github.com/klauspost/cpuid/v2"

// cpuTiers needs no question: every arm64 CPU that Go runs on has Advanced SIMD.
func cpuTiers() []Tier { return []Tier{Generic, NEON} }

func cpuExtensions() (list []Extension) {
	for _, e := range [...]struct {
		ext     Extension
		feature cpuid.FeatureID
	}{{DotProd, cpuid.ASIMDDP}, {BF16, cpuid.BF16}, {I8MM, cpuid.I8MM}} {
		if cpuid.CPU.Supports(e.feature) {
			list = append(list, e.ext)
		}
	}
	return list
}
