package simd

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Pool is a fixed set of workers that share loops. The zero of *Pool (nil) runs
// everything on the caller.
//
// The workers persist: handing out a loop starts no goroutine and allocates
// nothing. A worker that runs out of work looks for the next loop for a short
// while, since a model step is hundreds of loops in a row, and then sleeps.
type Pool struct {
	workers int
	mu      sync.Mutex // held for the length of a Do
	f       func(task, worker int)
	n       int64
	spin    int
	sleeper []sleeper // of workers 1 and up
	idle    chan struct{}

	_    [64]byte // the counters below each on their own cache line
	next atomic.Int64
	_    [56]byte
	// state is the loop number << 32, stateOpen while workers may still join, and
	// the number of workers inside. Late workers find the loop closed and never
	// delay the caller.
	state atomic.Int64
	_     [56]byte
	// waits is 1 while the caller sleeps until the last worker leaves.
	waits atomic.Int32
	_     [60]byte
}

// sleeper is where one worker sleeps.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [48]byte
}

const (
	stateOpen   = 1 << 31
	stateInside = stateOpen - 1
	stateLoop   = 1 << 32
	stateClosed = -1 // the pool is closed

	// spinPauses bounds the search for a next loop to roughly 20 microseconds.
	spinPauses = 20
)

// NewPool starts a pool of n workers, the caller of Do counted as one; n below 1
// means one. A program whose own 0 stands for all processors passes
// runtime.GOMAXPROCS(0), as cmd/detox-surgery does.
func NewPool(n int) *Pool {
	p := &Pool{workers: max(1, n), idle: make(chan struct{}, 1)}
	if runtime.GOMAXPROCS(0) >= p.workers {
		p.spin = spinPauses // otherwise a waiting worker would take a working one's place
	}
	p.sleeper = make([]sleeper, p.workers-1)
	for i := range p.sleeper {
		p.sleeper[i].wake = make(chan struct{}, 1)
		go p.work(i+1, &p.sleeper[i])
	}
	return p
}

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
// memory (a nil pool cannot promise that to concurrent callers). Concurrent Do
// take turns. f must not call Do of the same pool.
func (p *Pool) Do(n int, f func(task, worker int)) {
	if p == nil {
		for i := range n {
			f(i, 0)
		}
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers == 1 || n <= 1 {
		for i := range n {
			f(i, 0)
		}
		return
	}
	if p.state.Load() == stateClosed {
		panic("simd: Do of a closed pool")
	}
	p.open(n, f)
	defer p.finish()
	p.tickets(0)
}

// open publishes the loop and wakes as many workers as it can use.
func (p *Pool) open(n int, f func(task, worker int)) {
	p.f, p.n = f, int64(n)
	p.next.Store(0)
	p.state.Store((p.state.Load()&^(stateLoop-1) + stateLoop) | stateOpen)
	for i := range min(n, p.workers) - 1 {
		p.sleeper[i].rouse()
	}
}

func (s *sleeper) rouse() {
	if s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// finish closes the loop to late workers and waits for those inside.
func (p *Pool) finish() {
	p.next.Store(p.n) // after a panic of f on the caller there are tickets left
	p.state.Add(-stateOpen)
	for range p.spin {
		if p.state.Load()&stateInside == 0 {
			p.f = nil
			return
		}
		pause()
	}
	for p.state.Load()&stateInside != 0 {
		p.waits.Swap(1) // not Store: emulators of arm64 let the load below pass a store
		if p.state.Load()&stateInside != 0 || !p.waits.CompareAndSwap(1, 0) {
			<-p.idle // possibly from a worker late to leave the loop before: look again
		}
	}
	p.f = nil
}

// tickets runs tasks until none is left.
func (p *Pool) tickets(worker int) {
	for {
		i := p.next.Add(1) - 1
		if i >= p.n {
			return
		}
		p.f(int(i), worker)
	}
}

// work is the life of one worker.
func (p *Pool) work(worker int, s *sleeper) {
	seen := int64(0) // number of the last loop looked at
	for {
		state := p.wait(seen, s)
		if state == stateClosed {
			return
		}
		seen = state &^ (stateLoop - 1)
		if !p.join(seen) {
			continue
		}
		p.tickets(worker)
		if p.state.Add(-1)&(stateOpen|stateInside) == 0 && p.waits.CompareAndSwap(1, 0) {
			p.idle <- struct{}{}
		}
	}
}

// join enters loop number seen, unless it is closed or over.
func (p *Pool) join(seen int64) bool {
	for {
		state := p.state.Load()
		if state&^(stateLoop-1) != seen || state&stateOpen == 0 {
			return false
		}
		if p.state.CompareAndSwap(state, state+1) {
			return true
		}
	}
}

// wait returns the state as soon as it tells of another loop than seen.
func (p *Pool) wait(seen int64, s *sleeper) int64 {
	news := func() (int64, bool) {
		state := p.state.Load()
		return state, state == stateClosed || state&^(stateLoop-1) != seen
	}
	for range p.spin {
		if state, ok := news(); ok {
			return state
		}
		pause()
	}
	for {
		s.asleep.Swap(true) // not Store, as in finish
		if state, ok := news(); ok {
			if !s.asleep.CompareAndSwap(true, false) {
				<-s.wake // the caller was about to wake us: take its token
			}
			return state
		}
		<-s.wake
	}
}

// Close stops the workers. A closed pool must not be used.
func (p *Pool) Close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Store(stateClosed)
	for i := range p.sleeper {
		p.sleeper[i].rouse()
	}
}
