package main

func arm64() []byte {
	f := newFile("// Registers: see gemm_amd64.s.")
	return f.Bytes()
}
