package pairs

import (
	"strings"
	"testing"

	"github.com/detox-surgery/detox-surgery/train/data"
)

func TestDefault(t *testing.T) {
	got := Default()
	if len(got) < 600 {
		t.Errorf("%d embedded pairs, want at least 600", len(got))
	}
	known := map[string]bool{}
	for _, b := range Beginnings() {
		known[b] = true
	}
	for _, p := range got {
		if !known[p.Prompt] || p.Chosen == p.Rejected || hateful(p.Chosen) || hateful(p.Rejected) || strings.Count(p.Context, "\n") != 4 {
			t.Errorf("odd pair %+v", p)
		}
	}
	got[0] = data.Pair{}
	if Default()[0] == got[0] {
		t.Error("the caller's changes reach the embedded pairs")
	}
}
