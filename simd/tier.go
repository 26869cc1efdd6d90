package simd

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// Tier is a level of vector instructions for which this package has kernels.
type Tier int

// The tiers, from the one that every machine has to the widest. NEON belongs to
// arm64, AVX2 (with FMA and F16C) and AVX512 (F, BW, DQ, VL) to amd64.
const (
	Generic Tier = iota
	NEON
	AVX2
	AVX512
)

var tierNames = [...]string{Generic: "generic", NEON: "neon", AVX2: "avx2", AVX512: "avx512"}

// String is the name that DETOX_SIMD takes, for example "avx2".
func (t Tier) String() string {
	if t < 0 || int(t) >= len(tierNames) {
		return "unknown"
	}
	return tierNames[t]
}

// dispatch is what the kernels of this process run on.
type dispatch struct {
	active     atomic.Int32
	extensions atomic.Uint32 // bit per Extension that kernels may use
	tiers      []Tier
	all        []Extension
	err        error
}

var machine = newDispatch(cpuTiers(), cpuExtensions(), os.Getenv("DETOX_SIMD"), os.Getenv("DETOX_REQUIRE_SIMD"))

// newDispatch picks the widest of tiers with all of its extensions, lowered to
// the tier or extension called limit, and records an error if limit, or a name in
// the list require, is none of this CPU.
func newDispatch(tiers []Tier, all []Extension, limit, require string) *dispatch {
	d := &dispatch{tiers: tiers, all: all}
	best, mask := tiers[len(tiers)-1], upTo(all, extensions)
	if limit != "" {
		t, e, err := d.find("DETOX_SIMD", limit)
		if err != nil {
			d.err = err
		} else {
			best, mask = t, upTo(all, e)
		}
	}
	d.active.Store(int32(best))
	d.extensions.Store(mask)
	if require == "" {
		return d
	}
	for name := range strings.SplitSeq(require, ",") {
		if _, _, err := d.find("DETOX_REQUIRE_SIMD", name); err != nil && d.err == nil {
			d.err = err
		}
	}
	return d
}

// find returns the tier called name with no extension (-1), or the widest tier
// with the extension called name.
func (d *dispatch) find(variable, name string) (Tier, Extension, error) {
	if i := slices.Index(tierNames[:], name); i >= 0 && slices.Contains(d.tiers, Tier(i)) {
		return Tier(i), -1, nil
	} else if i >= 0 {
		return Generic, -1, fmt.Errorf("simd: %s: this CPU or build has no tier %q", variable, name)
	}
	e := Extension(slices.Index(extensionNames[:], name))
	if e < 0 {
		return Generic, -1, fmt.Errorf("simd: %s: unknown tier %q", variable, name)
	}
	if !slices.Contains(d.all, e) {
		return Generic, -1, fmt.Errorf("simd: %s: this CPU or build has no extension %q", variable, name)
	}
	return d.tiers[len(d.tiers)-1], e, nil
}

// Active is the tier that the kernels run on: the widest of Tiers, unless the
// environment variable DETOX_SIMD lowers it.
func Active() Tier { return Tier(machine.active.Load()) }

// Tiers lists the tiers of this CPU and build, Generic first.
func Tiers() []Tier { return slices.Clone(machine.tiers) }

// TierError reports a DETOX_SIMD or DETOX_REQUIRE_SIMD that names no tier of
// this CPU and build. Programs check it at start.
func TierError() error { return machine.err }

// SetTier makes t, one of Tiers, the active tier of the whole process until
// restore is called, with its extensions if it is the widest. It is meant for
// tests and benchmarks.
func SetTier(t Tier) (restore func()) {
	if !slices.Contains(machine.tiers, t) {
		panic("simd: SetTier: no such tier on this CPU")
	}
	mask := uint32(0)
	if t == machine.tiers[len(machine.tiers)-1] {
		mask = upTo(machine.all, extensions)
	}
	old, oldMask := machine.active.Swap(int32(t)), machine.extensions.Swap(mask)
	return func() {
		machine.active.Store(old)
		machine.extensions.Store(oldMask)
	}
}
