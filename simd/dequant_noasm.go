//go:build purego || !(amd64 || arm64)

package simd

func dequantQ4_1([]float32, []byte, int) int { return 0 }
func dequantQ5_0([]float32, []byte, int) int { return 0 }
func dequantQ8_0([]float32, []byte, int) int { return 0 }
func dequantQ4K([]float32, []byte, int) int  { return 0 }
func dequantQ6K([]float32, []byte, int) int  { return 0 }
