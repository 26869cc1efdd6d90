package token

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// charsmap is SentencePiece's table of replacements: an XOR-compressed double array, in which the node below s by the
// byte c is base(s) XOR c, and the strings it points to, each with a zero byte at its end. Of an entry, bits 10 to 30
// are the base (shifted up by 8 if bit 9 is set), bits 0 to 7 the byte that leads to it, bit 8 says that a string
// ends there; an entry with bit 31 set is an offset into the strings.
type charsmap struct {
	nodes []uint32
	text  string
}

func newCharsmap(src Source) (charsmap, error) {
	raw, ok := src.Ints(keyCharsmap)
	if !ok || len(raw) == 0 {
		return charsmap{}, nil
	}
	b := make([]byte, len(raw))
	for i, x := range raw {
		if x < -128 || x > 255 {
			return charsmap{}, fmt.Errorf("token: %s: entry %d is %d, want a byte", keyCharsmap, i, x)
		}
		b[i] = byte(x)
	}
	if len(b) < 4 {
		return charsmap{}, fmt.Errorf("token: %s has %d bytes, want at least 4", keyCharsmap, len(b))
	}
	size := int64(binary.LittleEndian.Uint32(b))
	if b = b[4:]; size >= int64(len(b)) {
		return charsmap{}, fmt.Errorf("token: %s: a table of %d bytes in %d", keyCharsmap, size, len(b))
	}
	m := charsmap{nodes: make([]uint32, size/4), text: string(b[size:])}
	for i := range m.nodes {
		m.nodes[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return m, nil
}

// node returns an entry, 0 beyond the end, which leads nowhere.
func (m charsmap) node(i uint32) uint32 {
	if int64(i) < int64(len(m.nodes)) {
		return m.nodes[i]
	}
	return 0
}

func base(node uint32) uint32 { return node >> 10 << (node & (1 << 9) >> 6) }

// longest returns the replacement of the longest string that begins the text, and the length of that string.
func (m charsmap) longest(text string) (string, int) {
	size, offset := m.find(text, false)
	out, ok := m.at(size, offset)
	if !ok {
		return "", 0
	}
	return out, size
}

// shortest returns the replacement of the shortest string that begins the text.
func (m charsmap) shortest(text string) (string, bool) { return m.at(m.find(text, true)) }

// find returns the length of a string that begins the text and the offset of its replacement.
func (m charsmap) find(text string, shortest bool) (size int, offset uint32) {
	if len(m.nodes) == 0 {
		return 0, 0
	}
	at := base(m.node(0))
	for i := range len(text) {
		c := uint32(text[i])
		if c == 0 {
			break
		}
		at ^= c
		n := m.node(at)
		if n&(1<<31|0xff) != c {
			break
		}
		at ^= base(n)
		if n>>8&1 != 0 {
			size, offset = i+1, m.node(at)&(1<<31-1)
			if shortest {
				break
			}
		}
	}
	return size, offset
}

// at returns the replacement at an offset, for a string of that many bytes.
func (m charsmap) at(size int, offset uint32) (string, bool) {
	if size == 0 || int64(offset) >= int64(len(m.text)) {
		return "", false
	}
	out, _, ok := strings.Cut(m.text[offset:], "\x00")
	return out, ok
}
