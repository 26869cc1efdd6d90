package bench

import (
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/simd"
)

// QuantResult is how fast one thread converts blocks of a type. The share takes
// the register-only loop as the clock: a weight counts as one multiply-add.
type QuantResult struct {
	Type        string  `json:"type"`
	Tier        string  `json:"tier"`
	Weights     int     `json:"weights"`               // converted at once
	Decode      float64 `json:"decode_gweights_per_s"` // median
	Encode      float64 `json:"encode_gweights_per_s"` // median; 0: the type has no encoder
	Peak        float64 `json:"peak_gflops"`           // of the register loop; 0: not known
	DecodeShare float64 `json:"decode_share_of_peak"`  // best run over best loop
	EncodeShare float64 `json:"encode_share_of_peak"`  // likewise
	Bytes       float64 `json:"bytes_per_weight"`      // of the type
}

const (
	quantWeights = 1 << 16 // float32 and blocks fit L2
	quantRuns    = 9
)

// QuantTypes lists the types that can be decoded, plain float32 apart.
func QuantTypes() (types []quant.Type) {
	for t := quant.F32 + 1; t < 1<<8; t++ {
		if t.CanDecode() {
			types = append(types, t)
		}
	}
	return types
}

// Quant times decoding and encoding of one of QuantTypes in the active tier.
func Quant(typ quant.Type) QuantResult {
	const n = quantWeights
	raw, w := blocks(typ, n), weights(n)
	r := QuantResult{
		Type: typ.String(), Tier: simd.Active().String(), Weights: n, Peak: simd.PeakFMA(simd.Active()),
		Bytes: float64(typ.Bytes()) / float64(typ.Block()),
	}
	dst := make([]float32, n)
	median, best := timeShort(quantRuns, func() { typ.Decode(dst, raw) })
	r.Decode, r.DecodeShare = n/median/1e9, share(2*n/best/1e9, r.Peak)
	if typ.CanEncode() {
		median, best = timeShort(quantRuns, func() { typ.Encode(raw, w) })
		r.Encode, r.EncodeShare = n/median/1e9, share(2*n/best/1e9, r.Peak)
	}
	return r
}
