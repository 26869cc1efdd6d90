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
		{"vnni", "", AVX512, false},
		{"bf16", "", AVX512, true},
		{"", "vnni", AVX512, false},
		{"", "bf16", AVX512, true},
	} {
		d := newDispatch(tiers, []Extension{VNNI}, c.limit, c.require)
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

func TestExtensionsFollowTheLimit(t *testing.T) {
	tiers, all := []Tier{Generic, AVX2, AVX512}, []Extension{VNNI, BF16}
	for limit, want := range map[string]uint32{"": 1<<VNNI | 1<<BF16, "avx2": 0, "avx512": 0, "vnni": 1 << VNNI, "bf16": 1<<VNNI | 1<<BF16} {
		if got := newDispatch(tiers, all, limit, "").extensions.Load(); got != want {
			t.Errorf("DETOX_SIMD=%q: extensions %b, want %b", limit, got, want)
		}
	}
}

func TestSetTierSetsExtensions(t *testing.T) {
	for i, tier := range Tiers() {
		restore := SetTier(tier)
		for _, e := range Extensions() {
			if Has(e) != (i == len(Tiers())-1) {
				t.Errorf("tier %v: extension %v is %v", tier, e, Has(e))
			}
		}
		restore()
	}
}

func TestExtensionsOfThisMachine(t *testing.T) {
	t.Logf("tiers %v, extensions %v", Tiers(), Extensions())
}
