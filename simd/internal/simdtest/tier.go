// Package simdtest helps to test vector kernels: it runs a test in every tier of
// the CPU and lends memory that ends or begins at a page nobody may touch, so
// that a read or write beyond a slice by assembly, which the race detector cannot
// see, fails the test.
package simdtest

import (
	"testing"

	"github.com/detox-surgery/detox-surgery/simd"
)

// EachTier runs f as a subtest in every tier of this CPU, Generic first. A tier
// that DETOX_REQUIRE_SIMD names and that is missing fails the test: on a machine
// that is there to test a tier, its absence must not pass for success.
func EachTier(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if err := simd.TierError(); err != nil {
		t.Fatal(err)
	}
	for _, tier := range simd.Tiers() {
		t.Run(tier.String(), func(t *testing.T) {
			defer simd.SetTier(tier)()
			f(t)
		})
	}
}

// BenchEachTier is EachTier for benchmarks.
func BenchEachTier(b *testing.B, f func(b *testing.B)) {
	b.Helper()
	if err := simd.TierError(); err != nil {
		b.Fatal(err)
	}
	for _, tier := range simd.Tiers() {
		b.Run(tier.String(), func(b *testing.B) {
			defer simd.SetTier(tier)()
			f(b)
		})
	}
}
