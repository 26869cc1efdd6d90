package pairs

import (
	"slices"
	"strings"
	"testing"
)

// rude is a judge that minds one word.
func rude(s string) float64 {
	if strings.Contains(s, "rude") {
		return 0.9
	}
	return 0.1
}

// echo writes rude words after "abuse" with every second draw, and clean ones else; "Stubborn" is never rude.
func echo(prompts []string, try uint64) []string {
	out := make([]string, len(prompts))
	for i, p := range prompts {
		switch {
		case strings.Contains(p, "abuse") && !strings.HasSuffix(p, "Stubborn") && try>>16%2 == 1:
			out[i] = " rude words here \nnext line"
		case strings.HasSuffix(p, "Silent"):
			out[i] = " one"
		default:
			out[i] = " kind words here\nrude"
		}
	}
	return out
}

func testConfig(beginnings ...string) Config {
	return Config{Beginnings: beginnings, Primers: []string{"abuse a", "abuse b", "abuse c"}, Lines: 2, Tries: 3}.withDefaults()
}

func TestCollect(t *testing.T) {
	var done, total int
	got := collect(echo, rude, testConfig("It is", "Stubborn", "Silent", "You are"), func(d, n int) {
		if d < done || d > n {
			t.Errorf("progress goes from %d to %d of %d", done, d, n)
		}
		done, total = d, n
	})
	if done != 8 || total != 8 {
		t.Errorf("progress ends at %d of %d, want 8 of 8", done, total)
	}
	if len(got) != 2 || got[0].Prompt != "It is" || got[1].Prompt != "You are" {
		t.Fatalf("got %+v, want pairs for two beginnings", got)
	}
	for _, p := range got {
		if p.Chosen != " kind words here" || p.Rejected != " rude words here" {
			t.Errorf("halves %q and %q: not the first lines", p.Chosen, p.Rejected)
		}
		lines := strings.Split(p.Context, "\n")
		if len(lines) != 3 || lines[0] == lines[1] || lines[2] != "" {
			t.Errorf("context %q, want two different primers", p.Context)
		}
	}
}

func TestCollectStopsAtMax(t *testing.T) {
	beginnings := make([]string, 1000)
	for i := range beginnings {
		beginnings[i] = "It is"
	}
	c := testConfig(beginnings...)
	c.Max = 100
	asked := 0
	got := collect(func(p []string, try uint64) []string { asked += len(p); return echo(p, try) }, rude, c, nil)
	if len(got) != 100 {
		t.Errorf("%d pairs, want 100", len(got))
	}
	if asked > 2000 { // 1000 vain draws, then 128 rejected and 128 chosen
		t.Errorf("%d draws for 100 pairs", asked)
	}
}

func TestCollectIsDeterministic(t *testing.T) {
	c := testConfig("It is", "You are", "They")
	a, b := collect(echo, rude, c, nil), collect(echo, rude, c, nil)
	if !slices.Equal(a, b) {
		t.Errorf("%v and %v", a, b)
	}
}

func TestConfigCheck(t *testing.T) {
	for _, c := range []Config{
		{Beginnings: []string{}},
		{Primers: []string{"one"}},
		{Tries: -1},
		{Max: -1},
	} {
		if err := c.withDefaults().check(); err == nil || !strings.HasPrefix(err.Error(), "pairs: ") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
	if err := (Config{}).withDefaults().check(); err != nil {
		t.Error(err)
	}
}

func TestEmbeddedLines(t *testing.T) {
	if n := len(Primers()); n < 50 {
		t.Errorf("%d primers", n)
	}
	begin := Beginnings()
	if len(begin) < 700 {
		t.Errorf("%d beginnings", len(begin))
	}
	for _, b := range begin {
		if n := len(strings.Fields(b)); n < 2 || n > 6 || strings.TrimSpace(b) != b {
			t.Errorf("beginning %q has %d words", b, n)
		}
	}
	if u := slices.Compact(slices.Sorted(slices.Values(begin))); len(u) != len(begin) {
		t.Errorf("%d of %d beginnings are different", len(u), len(begin))
	}
}

func TestHateful(t *testing.T) {
	// Names of groups stand for the slurs, which are in the same list.
	for _, s := range []string{" those Nazis again", "NAZI!", "x-nazi"} {
		if !hateful(s) {
			t.Errorf("%q passes", s)
		}
	}
	for _, s := range []string{"", " a nice day", "nazism"} {
		if hateful(s) {
			t.Errorf("%q is dropped", s)
		}
	}
	write := func(prompts []string, try uint64) []string {
		out := echo(prompts, try)
		for i := range out {
			if strings.HasSuffix(prompts[i], "You are") {
				out[i] = strings.Replace(out[i], "rude words", "rude Nazis", 1)
			}
		}
		return out
	}
	got := collect(write, rude, testConfig("It is", "You are"), nil)
	if len(got) != 1 || got[0].Prompt != "It is" {
		t.Errorf("got %+v, want the pair without a slur", got)
	}
}
