package simd

import (
	"sync"
	"sync/atomic"
)

// Pool is a fixed set of workers that share loops. The zero of *Pool (nil) runs
// everything on the caller.
type Pool struct{ workers int }

// NewPool starts a pool of n workers, the caller of Do counted as one.
func NewPool(n int) *Pool { return &Pool{workers: max(1, n)} }

// Workers is the number of goroutines that Do uses; 1 for a nil pool.
func (p *Pool) Workers() int {
	if p == nil {
		return 1
	}
	return p.workers
}

// Do calls f(task, worker) for every 0 <= task < n and returns when all calls
// have returned. Tasks are handed out in order by tickets; worker is below
// Workers() and is never used by two calls at once, so it may index scratch
// memory. f must not call Do of the same pool.
func (p *Pool) Do(n int, f func(task, worker int)) {
	if p.Workers() == 1 || n <= 1 {
		for i := range n {
			f(i, 0)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range p.workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i, w)
			}
		})
	}
	wg.Wait()
}

// Close stops the workers. A closed pool must not be used.
func (p *Pool) Close() {}
