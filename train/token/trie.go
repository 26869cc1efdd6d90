package token

import "slices"

// trie holds strings of bytes with their ids. Node 0 is the root; children lie together, ascending by label.
type trie struct {
	label []byte
	id    []int32 // -1 if no string ends here
	first []int32 // the first child
	many  []int16 // how many there are, up to 256
}

// entry is a string of a trie.
type entry struct {
	text string
	id   int32
}

// newTrie builds the trie of entries, whose texts are not empty; of equal texts the last counts.
func newTrie(entries []entry) *trie {
	slices.SortStableFunc(entries, func(a, b entry) int {
		switch {
		case a.text < b.text:
			return -1
		case a.text > b.text:
			return 1
		}
		return 0
	})
	t := &trie{label: []byte{0}, id: []int32{-1}, first: []int32{0}, many: []int16{0}}
	type work struct{ node, lo, hi, depth int }
	queue := []work{{0, 0, len(entries), 0}}
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		t.first[w.node] = int32(len(t.label))
		for lo := w.lo; lo < w.hi; {
			if len(entries[lo].text) == w.depth {
				t.id[w.node] = entries[lo].id
				lo++
				continue
			}
			b, hi := entries[lo].text[w.depth], lo+1
			for hi < w.hi && entries[hi].text[w.depth] == b {
				hi++
			}
			queue = append(queue, work{len(t.label), lo, hi, w.depth + 1})
			t.label, t.id = append(t.label, b), append(t.id, -1)
			t.first, t.many = append(t.first, 0), append(t.many, 0)
			t.many[w.node]++
			lo = hi
		}
	}
	return t
}

// child returns the node below n by the byte b, 0 if there is none.
func (t *trie) child(n int32, b byte) int32 {
	lo, hi := t.first[n], t.first[n]+int32(t.many[n])
	if hi-lo == 256 {
		return lo + int32(b)
	}
	for lo < hi {
		mid := (lo + hi) / 2
		switch {
		case t.label[mid] == b:
			return mid
		case t.label[mid] < b:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0
}

// longest returns the longest string that begins the text, with its length; -1 and 0 if there is none.
func (t *trie) longest(text string) (int32, int) {
	id, size := int32(-1), 0
	n := int32(0)
	for i := range len(text) {
		if n = t.child(n, text[i]); n == 0 {
			break
		}
		if t.id[n] >= 0 {
			id, size = t.id[n], i+1
		}
	}
	return id, size
}

// depth returns how many bytes of text lead down the trie, whether or not a string ends there.
func (t *trie) depth(text string) int {
	n := int32(0)
	for i := range len(text) {
		if n = t.child(n, text[i]); n == 0 {
			return i
		}
	}
	return len(text)
}
