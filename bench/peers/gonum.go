package main

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// gonumGemm times x wᵀ of square matrices in this process, which runs on so many
// threads meanwhile.
func gonumGemm(sizes []int, threads int, id func(string) string) sample {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	out := newSample()
	out.version = "gonum " + moduleVersion("gonum.org/v1/gonum")
	for _, n := range sizes {
		x, w, y := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
		for i := range x {
			x[i], w[i] = float32(i%7)-3, float32(i%5)-2
		}
		times := make([]float64, 4)
		for i := range times {
			begin := time.Now()
			gonum.Implementation{}.Sgemm(blas.NoTrans, blas.Trans, n, n, n, 1, x, n, w, n, 0, y, n)
			times[i] = time.Since(begin).Seconds()
		}
		times = times[1:] // the first touches the memory
		slices.Sort(times)
		out.values[id(strconv.Itoa(n))] = 2 * float64(n) * float64(n) * float64(n) / times[1] / 1e9
	}
	return out
}

// moduleVersion is that of a module this program was built with.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown version"
	}
	for _, d := range info.Deps {
		if d.Path == path {
			return d.Version
		}
	}
	return "of unknown version"
}
