//go:build unix

package simdtest

import "testing"

var sink byte

func TestGuardFaults(t *testing.T) {
	g := NewGuard(t, 100)
	last, first := g.Last(10), g.First(10)
	last[9], first[0] = 1, 1
	NoFault(t, func() { sink = last[9] + first[0] })
	for name, off := range map[string]int{"above": len(g.mem), "below": -1} {
		if Fault(func() { sink = at(g.mem, off) }) == nil {
			t.Errorf("read %s the memory did not fault", name)
		}
	}
	if len(g.LastFloats(3)) != 3 || len(g.FirstFloats(0)) != 0 {
		t.Error("wrong number of floats")
	}
}
