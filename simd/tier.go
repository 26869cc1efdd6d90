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
	active atomic.Int32
	tiers  []Tier
	err    error
}

var machine = newDispatch(cpuTiers(), os.Getenv("DETOX_SIMD"), os.Getenv("DETOX_REQUIRE_SIMD"))

// newDispatch picks the widest of tiers, lowered to the tier called limit, and
// records an error if limit, or a name in the list require, is no tier of this CPU.
func newDispatch(tiers []Tier, limit, require string) *dispatch {
	d := &dispatch{tiers: tiers}
	best := tiers[len(tiers)-1]
	if limit != "" {
		t, err := findTier(tiers, "DETOX_SIMD", limit)
		if err != nil {
			d.err = err
		} else {
			best = t
		}
	}
	d.active.Store(int32(best))
	if require == "" {
		return d
	}
	for name := range strings.SplitSeq(require, ",") {
		if _, err := findTier(tiers, "DETOX_REQUIRE_SIMD", name); err != nil && d.err == nil {
			d.err = err
		}
	}
	return d
}

func findTier(tiers []Tier, variable, name string) (Tier, error) {
	i := slices.Index(tierNames[:], name)
	if i < 0 {
		return Generic, fmt.Errorf("simd: %s: unknown tier %q", variable, name)
	}
	if !slices.Contains(tiers, Tier(i)) {
		return Generic, fmt.Errorf("simd: %s: this CPU or build has no tier %q", variable, name)
	}
	return Tier(i), nil
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
// restore is called. It is meant for tests and benchmarks.
func SetTier(t Tier) (restore func()) {
	if !slices.Contains(machine.tiers, t) {
		panic("simd: SetTier: no such tier on this CPU")
	}
	old := machine.active.Swap(int32(t))
	return func() { machine.active.Store(old) }
}
