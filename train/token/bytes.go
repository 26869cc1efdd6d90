package token

// byteTable is how a vocabulary writes single bytes.
type byteTable struct {
	base  [256]int32     // the token of each byte, -1 if there is none
	value map[int32]byte // the bytes of tokens whose text does not say so by itself
}

// hexBytes finds the tokens <0x00> to <0xFF>.
func hexBytes(v *vocab) byteTable {
	const hex = "0123456789ABCDEF"
	t := byteTable{value: make(map[int32]byte, 256)}
	for b := range t.base {
		t.base[b] = -1
		if id, ok := v.ids["<0x"+string(hex[b>>4])+string(hex[b&15])+">"]; ok {
			t.base[b] = id
			t.value[id] = byte(b)
		}
	}
	return t
}

// noBytes is the table of a vocabulary without tokens for bytes.
func noBytes() byteTable {
	var t byteTable
	for b := range t.base {
		t.base[b] = -1
	}
	return t
}

// standInBytes finds the tokens of GPT-2's printable stand-ins.
func standInBytes(v *vocab) byteTable {
	var t byteTable
	for b := range t.base {
		t.base[b] = -1
		if id, ok := v.ids[string(byteRune(byte(b)))]; ok {
			t.base[b] = id
		}
	}
	return t
}

// byteRune is GPT-2's printable stand-in for a byte: printable Latin-1 stays, the others move up to U+0100 in order.
func byteRune(b byte) rune {
	switch {
	case b <= ' ':
		return 0x100 + rune(b)
	case b >= 0x7f && b <= 0xa0:
		return 0x121 + rune(b-0x7f)
	case b == 0xad:
		return 0x143
	}
	return rune(b)
}

// standIn returns the byte that a character stands for.
func standIn(r rune) (byte, bool) {
	switch {
	case r >= 0x100 && r <= 0x120:
		return byte(r - 0x100), true
	case r >= 0x121 && r <= 0x142:
		return byte(r - 0x121 + 0x7f), true
	case r == 0x143:
		return 0xad, true
	case r > ' ' && r < 0x7f || r > 0xa0 && r <= 0xff && r != 0xad:
		return byte(r), true
	}
	return 0, false
}
