package bench

import (
	"slices"
	"time"
)

// timeRuns calls f once to warm up and then runs times: the median and the best,
// in seconds.
func timeRuns(runs int, f func()) (median, best float64) {
	f()
	times := make([]float64, max(1, runs))
	for i := range times {
		begin := time.Now()
		f()
		times[i] = time.Since(begin).Seconds()
	}
	slices.Sort(times)
	return times[len(times)/2], times[0]
}

// timeShort is timeRuns for an f of microseconds: it is called often enough that
// reading the clock costs nothing.
func timeShort(runs int, f func()) (median, best float64) {
	const least = time.Millisecond
	n := 1
	for ; ; n *= 2 {
		begin := time.Now()
		for range n {
			f()
		}
		if time.Since(begin) >= least {
			break
		}
	}
	median, best = timeRuns(runs, func() {
		for range n {
			f()
		}
	})
	return median / float64(n), best / float64(n)
}

// share is part of whole, 0 where the whole is not known.
func share(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole
}
