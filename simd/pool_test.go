package simd

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestPoolRunsEachTaskOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		p := NewPool(workers)
		for n := range 50 {
			count := make([]atomic.Int32, n)
			busy := make([]atomic.Int32, workers)
			p.Do(n, func(task, worker int) {
				if busy[worker].Add(1) != 1 {
					t.Errorf("worker %d used by two calls at once", worker)
				}
				count[task].Add(1)
				busy[worker].Add(-1)
			})
			for i := range count {
				if count[i].Load() != 1 {
					t.Fatalf("workers %d, task %d of %d ran %d times", workers, i, n, count[i].Load())
				}
			}
		}
		p.Close()
	}
}

func TestPoolSharedByGoroutines(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	var wg sync.WaitGroup
	var total atomic.Int64
	busy := make([]atomic.Int32, p.Workers())
	const callers, loops, tasks = 4, 200, 13
	for range callers {
		wg.Go(func() {
			for range loops {
				p.Do(tasks, func(task, worker int) {
					if busy[worker].Add(1) != 1 {
						t.Errorf("worker %d used by two calls at once", worker)
					}
					total.Add(int64(task))
					busy[worker].Add(-1)
				})
			}
		})
	}
	wg.Wait()
	if want := int64(callers * loops * tasks * (tasks - 1) / 2); total.Load() != want {
		t.Errorf("sum of tasks %d, want %d", total.Load(), want)
	}
}

func TestPoolNil(t *testing.T) {
	var p *Pool
	sum := 0
	p.Do(5, func(task, worker int) { sum += task + 100*worker })
	if sum != 10 || p.Workers() != 1 {
		t.Errorf("nil pool: sum %d, workers %d", sum, p.Workers())
	}
	p.Close()
}

func TestPoolSurvivesPanic(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of f did not reach the caller of Do")
			}
		}()
		p.Do(1, func(int, int) { panic("f") })
	}()
	var n atomic.Int32
	p.Do(10, func(int, int) { n.Add(1) })
	if n.Load() != 10 {
		t.Errorf("after a panic: %d tasks of 10", n.Load())
	}
}

func TestPoolAllocatesNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	var n atomic.Int64
	f := func(int, int) { n.Add(1) }
	if a := testing.AllocsPerRun(100, func() { p.Do(8, f) }); a != 0 {
		t.Errorf("%v allocations per Do", a)
	}
}

func BenchmarkPoolDo(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	f := func(int, int) {}
	for b.Loop() {
		p.Do(2, f)
	}
}
