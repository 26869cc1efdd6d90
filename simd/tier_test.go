package simd

import "testing"

func TestTierEnvironment(t *testing.T) {
	if err := TierError(); err != nil {
		t.Fatal(err)
	}
	tiers := []Tier{Generic, AVX2, AVX512}
	for _, c := range []struct {
		limit, require string
		want           Tier
		fails          bool
	}{
		{"", "", AVX512, false},
		{"avx2", "", AVX2, false},
		{"generic", "avx512", Generic, false},
		{"AVX2", "", AVX512, true},
		{"neon", "", AVX512, true},
		{"", "neon", AVX512, true},
		{"", "sse", AVX512, true},
		{"", "avx512,avx2", AVX512, false},
		{"", "avx2,neon", AVX512, true},
		{"", "avx2,", AVX512, true},
	} {
		d := newDispatch(tiers, c.limit, c.require)
		if got := Tier(d.active.Load()); got != c.want || (d.err != nil) != c.fails {
			t.Errorf("DETOX_SIMD=%q DETOX_REQUIRE_SIMD=%q: tier %v, error %v", c.limit, c.require, got, d.err)
		}
	}
}

func TestSetTierRestores(t *testing.T) {
	before := Active()
	for _, tier := range Tiers() {
		restore := SetTier(tier)
		if Active() != tier {
			t.Errorf("SetTier(%v): active is %v", tier, Active())
		}
		restore()
	}
	if Active() != before {
		t.Errorf("restore left %v, want %v", Active(), before)
	}
}
