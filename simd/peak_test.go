package simd

import "testing"

func TestPeakFMA(t *testing.T) {
	if testing.Short() {
		t.Skip("measures speed")
	}
	for _, tier := range Tiers() {
		peak := PeakFMA(tier)
		if (peak > 0) != (tier != Generic) {
			t.Errorf("%v: peak %g GFLOP/s", tier, peak)
		}
		t.Logf("%v: %.1f GFLOP/s per core", tier, peak)
	}
	for prec := range precisions {
		peak := PeakProducts(prec)
		if (peak > 0) != (prec.Available() && Active() != Generic) {
			t.Errorf("%v: peak %g GFLOP/s", prec, peak)
		}
		t.Logf("%v: %.1f GFLOP/s per core", prec, peak)
	}
	if got := PeakFMA(missingTier()); got != 0 {
		t.Errorf("a tier that the CPU lacks has a peak of %g", got)
	}
}

// missingTier is a tier of another architecture.
func missingTier() Tier {
	if Tiers()[len(Tiers())-1] == NEON {
		return AVX2
	}
	return NEON
}
