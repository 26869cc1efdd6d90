//go:build !purego

package simd

import "github.com/klauspost/cpuid/v2"

// cpuTiers asks the CPU and the operating system (saved register state).
func cpuTiers() []Tier {
	tiers := []Tier{Generic}
	if !cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C) {
		return tiers
	}
	tiers = append(tiers, AVX2)
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL) {
		tiers = append(tiers, AVX512)
	}
	return tiers
}

// cpuExtensions are those of the AVX-512 kernels.
func cpuExtensions() (list []Extension) {
	if tiers := cpuTiers(); tiers[len(tiers)-1] != AVX512 {
		return nil
	}
	if cpuid.CPU.Supports(cpuid.AVX512VNNI) {
		list = append(list, VNNI)
	}
	if cpuid.CPU.Supports(cpuid.AVX512BF16) {
		list = append(list, BF16)
	}
	return list
}
