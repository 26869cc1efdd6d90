package simd

// Precision is the form in which a matrix product multiplies its operands. They
// are given and returned in float32 whatever it is, and sums are kept in float32.
// The products of this package without a precision are those of Float32.
type Precision int

// The precisions. A machine without the extension for one computes in Float32
// instead; Available tells.
const (
	// Float32 rounds nothing.
	Float32 Precision = iota
	// BFloat16 rounds both operands to bfloat16, to nearest even with denormals to
	// zero: 8 bits of significand.
	BFloat16
	// Int16 rounds every 32 values in depth of a row of X and of a row of W to
	// multiples of 1/8191 of their largest magnitude, sums 32 products as integers,
	// and weighs the sums in float32. Blocks below 2^-100 count as zero, those with
	// an Inf or NaN give Inf or NaN. It has kernels for x Wᵀ: other products of
	// Int16 are computed in Float32.
	Int16
	precisions
)

var precisionNames = [...]string{Float32: "f32", BFloat16: "bf16", Int16: "int16"}

// String is the short name, for example "bf16".
func (prec Precision) String() string {
	if prec < 0 || prec >= precisions {
		return "unknown"
	}
	return precisionNames[prec]
}

// lowKernels are the kernels of a precision and the extension that they need.
type lowKernels struct {
	needs Extension
	set   *kernelSet
}

// Available tells whether this machine, as tier and extensions are set, has
// kernels of prec.
func (prec Precision) Available() bool {
	return prec == Float32 || precisionKernels[prec].set != nil && Has(precisionKernels[prec].needs)
}

// kernels returns those of prec, or those of the tier where there are none. pairs
// asks for a format that packs neighbours in depth from two rows.
func (prec Precision) kernels(pairs bool) *kernelSet {
	if prec != Float32 && prec.Available() {
		if set := precisionKernels[prec].set; set.pairs != nil || !pairs {
			return set
		}
	}
	return &gemmKernels[Active()]
}
