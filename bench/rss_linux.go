package bench

import "syscall"

// PeakRSS is the largest resident set of this process so far, in bytes.
func PeakRSS() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Maxrss) * 1024 //nolint:unconvert // 32 bits on some architectures
}
