package simd

import "slices"

// Extension is a set of instructions beyond those of a tier, for kernels of
// lower precision. Float32 kernels do not depend on extensions.
type Extension int

// The extensions. VNNI (8-bit and 16-bit integer dot products) and BF16 belong to
// AVX512, DotProd (8-bit dot products) and I8MM (8-bit matrix products) to NEON,
// where BF16 is that of Armv8.6.
const (
	VNNI Extension = iota
	DotProd
	BF16
	I8MM
	extensions
)

var extensionNames = [...]string{VNNI: "vnni", DotProd: "dotprod", BF16: "bf16", I8MM: "i8mm"}

// String is the name that DETOX_SIMD takes, for example "vnni".
func (e Extension) String() string {
	if e < 0 || e >= extensions {
		return "unknown"
	}
	return extensionNames[e]
}

// Has tells whether kernels may use e: this CPU and build have it, the active
// tier is the widest, and DETOX_SIMD does not lower it. DETOX_SIMD may name an
// extension: its tier then works with it and those before it.
func Has(e Extension) bool {
	return machine.extensions.Load()>>e&1 != 0
}

// Extensions lists those of this CPU and build.
func Extensions() []Extension { return slices.Clone(machine.all) }

// SetExtensions makes the given ones of Extensions the only ones until restore is
// called. It is meant for tests and benchmarks.
func SetExtensions(list ...Extension) (restore func()) {
	mask := uint32(0)
	for _, e := range list {
		if !slices.Contains(machine.all, e) {
			panic("simd: SetExtensions: no such extension on this CPU")
		}
		mask |= 1 << e
	}
	old := machine.extensions.Swap(mask)
	return func() { machine.extensions.Store(old) }
}

// upTo is the mask of those of list that do not come after last.
func upTo(list []Extension, last Extension) (mask uint32) {
	for _, e := range list {
		if e <= last {
			mask |= 1 << e
		}
	}
	return mask
}
