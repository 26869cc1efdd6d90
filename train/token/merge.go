package token

// symbol is a stretch of text that has become one candidate token, linked to its neighbours.
type symbol struct {
	start, end int32 // byte range in the text
	prev, next int32 // indices of neighbours, -1 at the ends
	id         int32
}

// candidate is a pair of neighbours that a merge rule applies to.
type candidate struct {
	key         float32 // smaller merges first; ranks are below 1<<24, so that they are exact
	left, right int32   // indices of symbols
	size        int32   // bytes of both together when the candidate was made
	id          int32   // token that the pair becomes
}

func (a candidate) before(b candidate) bool {
	return a.key < b.key || (a.key == b.key && a.left < b.left)
}

// heap is a binary min-heap of candidates.
type heap []candidate

func (h *heap) push(c candidate) {
	*h = append(*h, c)
	s := *h
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !c.before(s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = c
}

func (h *heap) pop() candidate {
	s := *h
	top, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	if len(s) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(s) {
			break
		}
		if down+1 < len(s) && s[down+1].before(s[down]) {
			down++
		}
		if !s[down].before(last) {
			break
		}
		s[i] = s[down]
		i = down
	}
	s[i] = last
	return top
}

// merger joins neighbouring symbols, best rule first, until no rule applies. Its buffers are reused between words.
type merger struct {
	sym   []symbol
	queue heap
	// rule gives the key and the joined token of two neighbours.
	rule func(l, r *symbol) (key float32, id int32, ok bool)
}

func (m *merger) reset() { m.sym, m.queue = m.sym[:0], m.queue[:0] }

// add appends a symbol at the right end.
func (m *merger) add(start, end int, id int32) {
	i := int32(len(m.sym))
	if i > 0 {
		m.sym[i-1].next = i
	}
	m.sym = append(m.sym, symbol{start: int32(start), end: int32(end), prev: i - 1, next: -1, id: id})
}

func (m *merger) consider(l, r int32) {
	if l < 0 || r < 0 {
		return
	}
	a, b := &m.sym[l], &m.sym[r]
	if key, id, ok := m.rule(a, b); ok {
		m.queue.push(candidate{key: key, left: l, right: r, size: b.end - a.start, id: id})
	}
}

// run merges; the result is the chain of symbols that starts at index 0.
func (m *merger) run() {
	for i := int32(1); int(i) < len(m.sym); i++ {
		m.consider(i-1, i)
	}
	for len(m.queue) > 0 {
		c := m.queue.pop()
		l, r := &m.sym[c.left], &m.sym[c.right]
		// A symbol only grows, or vanishes into its left neighbour (start == end); either way the candidate is stale.
		if l.start == l.end || r.start == r.end || r.end-l.start != c.size || l.next != c.right {
			continue
		}
		l.end, l.id, l.next = r.end, c.id, r.next
		r.start = r.end
		if l.next >= 0 {
			m.sym[l.next].prev = c.left
		}
		m.consider(l.prev, c.left)
		m.consider(c.left, l.next)
	}
}
