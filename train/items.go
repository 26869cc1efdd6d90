package train

import (
	"math/rand/v2"
	"strings"

	"github.com/detox-surgery/detox-surgery/train/data"
	"github.com/detox-surgery/detox-surgery/train/loss"
	"github.com/detox-surgery/detox-surgery/train/model"
	"github.com/detox-surgery/detox-surgery/train/token"
)

// kind says which mean of the retain loss the rows of an item belong to.
type kind int

const (
	kindPair kind = iota
	kindText
	kindContext
	kinds
)

// item is one sequence of a step with the rows that enter the losses.
type item struct {
	ids   []int32
	kind  kind
	kl    []int      // rows whose prediction is held to the original's
	ref   *reference // what the original says there; len(kl) rows
	adv   []int      // rows that the adversary sees
	toxic bool       // their label
}

// reference is the original's final hidden states at some rows of a sequence. A
// pair's chosen continuation has one, with and without a toxic context before it.
type reference struct {
	ids  []int32
	rows []int
	h    []float32 // [len(rows), D]; nil until computed
}

// encoded is a pair as token sequences that share their prompt.
type encoded struct{ chosen, rejected data.Sequence }

// predicting returns the rows that predict the continuation of a sequence.
func predicting(s data.Sequence) []int { return loss.Predict.Rows(s.Cont, len(s.IDs)) }

// encodePairs tokenizes pairs and drops those of which a continuation is empty
// after cutting. The pairs that are left come back in a slice of their own.
func encodePairs(tok *token.Tokenizer, pairs []data.Pair, maxLen int) (kept []data.Pair, out []encoded) {
	for _, p := range pairs {
		e := encoded{data.EncodePair(tok, p.Prompt, p.Chosen, maxLen), data.EncodePair(tok, p.Prompt, p.Rejected, maxLen)}
		if e.chosen.Cont > 0 && e.chosen.Cont < len(e.chosen.IDs) && e.rejected.Cont < len(e.rejected.IDs) {
			kept, out = append(kept, p), append(out, e)
		}
	}
	return kept, out
}

// contextLine is the longest toxic text, in words, that serves as a line of context.
const contextLine = 14

// toxicLines collects the short toxic texts of the pairs: the lines from which
// contexts are drawn.
func toxicLines(pairs []data.Pair) []string {
	var lines []string
	for _, p := range pairs {
		s := strings.Join(strings.Fields(p.Prompt+p.Rejected), " ")
		if n := len(strings.Fields(s)); n > 2 && n < contextLine {
			lines = append(lines, s)
		}
	}
	return lines
}

// contextOf returns the text before the prompt of a pair: its own where it has
// one, else 1..lines lines drawn from pool.
func contextOf(p data.Pair, pool []string, lines int, r *rand.Rand) string {
	if p.Context != "" && r.IntN(2) == 0 {
		return strings.TrimRight(p.Context, "\n") + "\n"
	}
	if len(pool) == 0 {
		return p.Context
	}
	var b strings.Builder
	for range 1 + r.IntN(lines) {
		b.WriteString(pool[r.IntN(len(pool))])
		b.WriteByte('\n')
	}
	return b.String()
}

// withContext puts a context before the prompt of a sequence that starts with
// the tokens start. Rows of the continuation keep their order.
func withContext(s data.Sequence, context, start []int32) data.Sequence {
	n := len(start)
	ids := make([]int32, 0, len(s.IDs)+len(context))
	ids = append(append(append(ids, start...), context...), s.IDs[n:]...)
	return data.Sequence{IDs: ids, Cont: s.Cont + len(context)}
}

// pack groups items, in order, so that a group has at most limit tokens or one item.
func pack(items []item, limit int) [][]item {
	var groups [][]item
	used := limit + 1
	for _, it := range items {
		if used+len(it.ids) > limit {
			groups = append(groups, nil)
			used = 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], it)
		used += len(it.ids)
	}
	return groups
}

// items draws the batch of the current step.
func (t *Trainer) items() []item {
	perEpoch := max(1, len(t.pairs)/t.cfg.Batch)
	epoch, at := t.step/perEpoch, t.step%perEpoch
	order := rand.New(rand.NewPCG(t.cfg.Seed, uint64(epoch))).Perm(len(t.pairs))
	r := rand.New(rand.NewPCG(t.cfg.Seed, 1<<32+uint64(t.step)))
	var out []item
	for _, i := range order[at*t.cfg.Batch : (at+1)*t.cfg.Batch] {
		e := t.pairs[i]
		if t.refs[i] == nil {
			t.refs[i] = &reference{ids: e.chosen.IDs, rows: predicting(e.chosen)}
		}
		text := ""
		if t.cfg.ContextLines > 0 && r.Float64() < t.cfg.ContextShare {
			text = contextOf(t.data.Pairs[i], t.lines, t.cfg.ContextLines, r)
		}
		if text == "" {
			out = append(out, t.pairItems(e, kindPair, t.refs[i], t.cfg.Objective.RetainPairs, t.cfg.Objective.Lambda > 0)...)
			continue
		}
		ids := t.m.Tokenizer().Encode(text)
		c := encoded{withContext(e.chosen, ids, t.start), withContext(e.rejected, ids, t.start)}
		adversary := t.cfg.ContextAdv && t.cfg.Objective.Lambda > 0
		out = append(out, t.pairItems(c, kindContext, t.refs[i], t.cfg.Objective.RetainContext, adversary)...)
	}
	if t.cfg.Objective.RetainText > 0 {
		for range t.cfg.TextWindows {
			out = append(out, t.textItem(r))
		}
	}
	return out
}

// pairItems returns the sequences of a pair that a step needs: the chosen one for
// the retain loss, both for the adversary.
func (t *Trainer) pairItems(e encoded, k kind, ref *reference, retain float64, adversary bool) []item {
	chosen := item{ids: e.chosen.IDs, kind: k}
	if retain > 0 {
		chosen.kl, chosen.ref = predicting(e.chosen), ref
	}
	var out []item
	if adversary {
		p := t.cfg.Objective.Positions
		chosen.adv = p.Rows(e.chosen.Cont, len(e.chosen.IDs))
		out = append(out, item{ids: e.rejected.IDs, kind: k, toxic: true, adv: p.Rows(e.rejected.Cont, len(e.rejected.IDs))})
	}
	if retain > 0 || adversary {
		out = append(out, chosen)
	}
	return out
}

func (t *Trainer) textItem(r *rand.Rand) item {
	n := min(t.cfg.TextTokens, len(t.data.Text)-1)
	at := r.IntN(len(t.data.Text) - n)
	ids := append(append([]int32{}, t.start...), t.data.Text[at:at+n]...)
	rows := make([]int, len(ids)-1)
	for i := range rows {
		rows[i] = i
	}
	return item{ids: ids, kind: kindText, kl: rows, ref: &reference{ids: ids, rows: rows}}
}

// references runs the original over the sequences whose states are not known yet.
func (t *Trainer) references(items []item) {
	var need []item
	seen := map[*reference]bool{}
	for _, it := range items {
		if it.ref != nil && it.ref.h == nil && !seen[it.ref] {
			seen[it.ref] = true
			ref := item{ids: it.ref.ids, ref: it.ref}
			if it.kind == kindText {
				ref.kind = kindText
			}
			need = append(need, ref)
		}
	}
	for _, group := range pack(need, t.cfg.MaxTokens) {
		h := t.forward(t.ref, t.refTape, group, model.ForwardOptions{}).Last
		at := 0
		for _, it := range group {
			it.ref.h = make([]float32, 0, len(it.ref.rows)*h.D)
			for _, r := range it.ref.rows {
				it.ref.h = append(it.ref.h, h.X[(at+r)*h.D:(at+r+1)*h.D]...)
			}
			at += len(it.ids)
		}
	}
}
