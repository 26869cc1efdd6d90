package pairs

import (
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
)

// hateful reports whether a text has a word of the list slurs. Such pairs are dropped: what a model is to unlearn
// here is profanity and insult, and a set that is shipped should not hold attacks on groups of people.
func hateful(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(words, func(w string) bool {
		h := fnv.New64a()
		h.Write([]byte(strings.TrimSuffix(w, "s")))
		return slices.Contains(slurs, h.Sum64())
	})
}

// slurs are the 64-bit FNV-1a hashes of slurs against groups of people and of names of groups that a rude sentence
// would attack, in lower case and the singular; hashes, so that the words stand nowhere in the program.
var slurs = []uint64{
	0x03632e0deb843dce, 0x0bc610911959ab62, 0x20ae424676455c0f, 0x20dc3ebadd01b484,
	0x2b85850c38803e48, 0x3da81967075841be, 0x3e252083006b23df, 0x402d11cc7e6f8c70,
	0x40f84d840f29eb57, 0x457779193a6db74d, 0x45846a193a78282c, 0x4c4e10b4376fd76d,
	0x4c6d7290acc036bf, 0x4f88a5414b3add1d, 0x51538e8f7455209f, 0x5a1191afb50d9d7f,
	0x5c46723e5d3afa0e, 0x5dbf0258d0a15d66, 0x5f60b71e90a74292, 0x600024f2d4f9dd79,
	0x600e34f2d5063605, 0x6062f782fec7f901, 0x622a45762504d12e, 0x67ea3cbd93f2f225,
	0x7c67e9fb08ce2933, 0x83304d0e1255c012, 0x85f7922265d1d254, 0x883442217fbc98d0,
	0x8abd4d5b9974ffed, 0x8b99ab19095527ea, 0x8e949f60aa6011c1, 0x9abe5f38c3da93ea,
	0x9ce4d5720e9c8f65, 0xafcaca3891836ffc, 0xb0e7a2146c2b067d, 0xb9e23d7612f1f318,
	0xc47bd9ba8e2bcf55, 0xcc576b0a8c9b927c, 0xceee3322c6685a4f, 0xd95d5cef07a75488,
	0xdcb97d18fee001bd, 0xef8b99d72158c429, 0xf6d1ca0aea3d3b8d,
}
