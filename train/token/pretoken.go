package token

// preTokenizer is what a value of tokenizer.ggml.pre says.
type preTokenizer struct {
	split  []splitter
	whole  bool // a word that is a token is not taken apart and merged
	addBOS bool // used where the file has no add_bos_token key
	form   form
}

// form is how the tokens of a vocabulary write text.
type form uint8

const (
	byteLevel form = iota // each byte has a printable stand-in
	blankMark             // plain text with U+2581 for the space, bytes as <0xXX>
	plainText             // plain text, bytes as <0xXX>
)

// preTokenizers lists the values of tokenizer.ggml.pre that are read.
var preTokenizers = map[string]preTokenizer{
	"default": {split: splitDefault},

	"gpt-2":           {split: splitGPT2},
	"gpt2":            {split: splitGPT2},
	"phi-2":           {split: splitGPT2},
	"mpt":             {split: splitGPT2},
	"olmo":            {split: splitGPT2},
	"jais":            {split: splitGPT2},
	"exaone4":         {split: splitGPT2},
	"trillion":        {split: splitGPT2},
	"granite-docling": {split: splitGPT2},
	"jina-es":         {split: splitGPT2},
	"jina-de":         {split: splitGPT2},
	"jina-v2-es":      {split: splitGPT2},
	"jina-v2-de":      {split: splitGPT2},
	"jina-v1-en":      {split: splitGPT2},
	"jina-v2-code":    {split: splitGPT2},
	"roberta-bpe":     {split: splitGPT2},
	"gigachat":        {split: splitGPT2},
	"a.x-4.0":         {split: splitGPT2},
	"mellum":          {split: splitGPT2},
	"modern-bert":     {split: splitGPT2},

	"smollm":     {split: splitStarcoder},
	"starcoder":  {split: splitStarcoder},
	"refact":     {split: splitStarcoder},
	"command-r":  {split: splitStarcoder},
	"codeshell":  {split: splitStarcoder},
	"exaone":     {split: splitStarcoder},
	"minerva-7b": {split: splitStarcoder},
	"mellum2":    {split: splitStarcoder},

	"llama3":       {split: splitLlama3, whole: true, addBOS: true},
	"llama-v3":     {split: splitLlama3, whole: true, addBOS: true},
	"llama-bpe":    {split: splitLlama3, whole: true, addBOS: true},
	"falcon3":      {split: splitLlama3, whole: true, addBOS: true},
	"falcon-h1":    {split: splitLlama3, whole: true, addBOS: true},
	"pixtral":      {split: splitLlama3, whole: true, addBOS: true},
	"midm-2.0":     {split: splitLlama3, whole: true, addBOS: true},
	"lfm2":         {split: splitLlama3, whole: true, addBOS: true},
	"jina-v5-nano": {split: splitLlama3, whole: true, addBOS: true},
	"dbrx":         {split: splitLlama3},
	"smaug-bpe":    {split: splitLlama3},
	"chatglm-bpe":  {split: splitLlama3},
	"glm4":         {split: splitLlama3, whole: true},
	"glm5":         {split: splitLlama3, whole: true},
	"jais-2":       {split: splitJais2},
	"minicpm5":     {split: splitMiniCPM5, whole: true},

	"qwen2":            {split: splitQwen2},
	"deepseek-r1-qwen": {split: splitQwen2},
	"kormo":            {split: splitQwen2},
	"f2llmv2":          {split: splitQwen2},
	"megrez":           {split: splitQwen2},
	"stablelm2":        {split: splitQwen2},
	"hunyuan":          {split: splitQwen2},
	"solar-open":       {split: splitQwen2},
	"grok-2":           {split: splitQwen2},
	"bailingmoe":       {split: splitQwen2}, // its \s*[\r\n] takes no less than \s*[\r\n]+
	"bailingmoe2":      {split: splitQwen2},
	"llada-moe":        {split: splitQwen2},
	"qwen35":           {split: splitQwen35},
	"ufakzeka":         {split: splitUfakZeka},
	"seed-coder":       {split: splitSeedCoder},
	"laguna":           {split: splitLaguna},
	"exaone-moe":       {split: splitEXAONEMoE},
	"kimi-k2":          {split: splitKimiK2},

	"tekken":                  {split: splitTekken, whole: true, addBOS: true},
	"gpt-4o":                  {split: splitGPT4o},
	"llama4":                  {split: splitGPT4o},
	"kanana2":                 {split: splitGPT4o},
	"talkie":                  {split: splitGPT4o},
	"minimax-m2":              {split: splitGPT4o},
	"granite-embed-multi-97m": {split: splitGranite, whole: true},
	"tiny_aya":                {split: splitTinyAya},
	"cohere2moe":              {split: splitTinyAya},
	"youtu":                   {split: splitYoutu, whole: true},

	"deepseek-llm":   {split: splitDeepSeekLLM},
	"deepseek-coder": {split: splitDeepSeekCoder},
	"deepseek-v3":    {split: splitDeepSeek3},
	"hunyuan-dense":  {split: splitDeepSeek3},
	"joyai-llm":      {split: splitDeepSeek3},
	"hy_v4":          {split: splitDeepSeek3},
	"spark2_5":       {split: splitSpark},
	"afmoe":          {split: splitAFMoE},

	"falcon":       {split: splitFalcon},
	"chameleon":    {split: splitChameleon, addBOS: true},
	"superbpe":     {split: splitSuperBPE},
	"poro-chat":    {split: splitBloom},
	"bloom":        {split: splitBloom},
	"gpt3-finnish": {split: splitBloom},
	"viking":       {split: splitViking},

	preGemma4:                  {split: splitLines, form: blankMark},
	"granite-embed-multi-311m": {split: splitLines, form: blankMark},
	"sarvam-moe":               {split: splitLines, form: blankMark},
	"whitespace":               {split: splitBlanks, form: plainText},
}

// preGemma4 is the pre-tokenizer of the model "gemma4", whose files name none.
const preGemma4 = "gemma4"

// alwaysBOS lists the pre-tokenizers for which text begins with BOS whatever the file says.
var alwaysBOS = map[string]bool{preGemma4: true, "granite-embed-multi-311m": true}

// newlineTokens lists those for which a run of line breaks that is a token is not taken apart.
var newlineTokens = alwaysBOS

// Sets of characters that the expressions share.
var (
	letters     = anyOf(letter)
	numbers     = anyOf(number)
	marked      = anyOf(letter | mark)
	newlines    = anyOf(newline)
	wordLead    = not(newline | letter | number)           // [^\r\n\p{L}\p{N}]
	signs       = not(space | letter | number)             // [^\s\p{L}\p{N}]
	markedLead  = not(newline | letter | punct | symbolic) // [^\r\n\p{L}\p{P}\p{S}]
	punctuation = anyOf(punct | symbolic)
)

// gpt2Word is 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+.
var gpt2Word = first(contraction, blankLed(run(letters)), blankLed(run(numbers)), blankLed(run(signs)), spaces)

// modernWord is the expression of Llama 3 and its kin with their differences as parameters: the word, \p{N} so many
// at a time, and the signs. Ahead of it stands what some of them put first.
func modernWord(word, number, sign match, ahead ...match) match {
	return first(append(ahead, word, number, sign, toNewline, spaces)...)
}

var (
	word       = led(wordLead, run(letters))                // [^\r\n\p{L}\p{N}]?\p{L}+
	signLines  = tailed(blankLed(run(signs)), newlines)     //  ?[^\s\p{L}\p{N}]+[\r\n]*
	signPaths  = tailed(blankLed(run(signs)), slashNewline) //  ?[^\s\p{L}\p{N}]+[\r\n/]*
	oneNumber  = atMost(1, numbers)                         // \p{N}
	threeNums  = atMost(3, numbers)                         // \p{N}{1,3}
	llama3Word = modernWord(word, threeNums, signLines, anyCaseContraction)
	qwenWord   = modernWord(word, oneNumber, signLines, anyCaseContraction)
	anyWord    = optional(led(wordLead, run(marked)), anyCaseContraction)

	slashNewline = anyOf(newline | slash)
)

// deepSeekWord is the last expression of DeepSeek V3.
var deepSeekWord = first(punctuatedWord, led(markedLead, run(marked)),
	tailed(blankLed(run(punctuation)), newlines), toNewline, spaces)

// The splitters of the pre-tokenizers. Names of other models with the same expressions are in the table above.
var (
	splitGPT2      = []splitter{cut(gpt2Word)}
	splitStarcoder = []splitter{cut(oneNumber), cut(gpt2Word)}
	splitDefault   = []splitter{cut(oldPunctuation("$+<=>^~|")), cut(gpt2Word), cut(run(numbers)), cut(threeDigits)}
	splitFalcon    = []splitter{cut(oldPunctuation("$+<=>^~|`")), cut(gpt2Word), cut(threeDigits)}
	splitChameleon = []splitter{
		cut(sentinel), cut(imageToken), cut(literal("\t", "\n", "    ", "  ")), cut(oneNumber), cut(punctuationMark), cut(gpt2Word),
	}
	splitSuperBPE = []splitter{cut(run(numbers)), asciiThousands}
	splitBloom    = []splitter{cut(bloomWord)}
	splitViking   = []splitter{cut(bloomWord), cut(oneNumber)}

	splitLlama3    = []splitter{cut(llama3Word)}
	splitJais2     = []splitter{cut(llama3Word), powers}
	splitMiniCPM5  = []splitter{cut(threeNums), cut(modernWord(word, run(numbers), signLines, anyCaseContraction))}
	splitQwen2     = []splitter{cut(qwenWord)}
	splitLaguna    = []splitter{lines, cut(qwenWord)}
	splitUfakZeka  = []splitter{cut(modernWord(word, oneNumber, signLines))}
	splitSeedCoder = []splitter{cut(modernWord(word, oneNumber, blankLed(run(not(space|letter|number|newline))), anyCaseContraction))}
	splitQwen35    = []splitter{cut(modernWord(led(wordLead, run(marked)), oneNumber,
		tailed(blankLed(run(not(space|letter|mark|number))), newlines), anyCaseContraction))}
	splitEXAONEMoE = []splitter{cut(modernWord(led(wordLead, phrase), oneNumber,
		optional(blankLed(run(signs)), atMost(1, slashNewline)), anyCaseContraction))}
	splitKimiK2 = []splitter{cut(modernWord(
		optional(led(wordLead, run(set{letter, han})), anyCaseContraction), threeNums, signLines, run(anyOf(han))))}

	splitTekken  = []splitter{cut(modernWord(caseWord(0, wordLead, nil), oneNumber, signPaths))}
	splitGPT4o   = []splitter{cut(modernWord(caseWord(0, wordLead, anyCaseContraction), threeNums, signPaths))}
	splitGranite = []splitter{cut(modernWord(caseWord(mark, wordLead, anyCaseContraction), threeNums, signPaths))}
	splitTinyAya = []splitter{thousands, cut(modernWord(anyWord, threeNums, signPaths))}
	splitYoutu   = []splitter{
		cut(first(inAny(hangul), inAny(cjkPunct), inAny(bopomofo), inAny(cjkKana))),
		cut(modernWord(anyWord, oneNumber, signPaths)),
	}

	splitDeepSeekLLM = []splitter{
		cut(atMost(1, newlines)), cut(spaceLed(inAny(casedLetters))), cut(spaceLed(inAny(widePunct))), endBlanks,
		cut(inAny(eastAsian)), cut(run(numbers)),
	}
	splitDeepSeekCoder = []splitter{
		cut(atMost(1, newlines)), cut(spaceLed(run(letters))), cut(spaceLed(run(anyOf(punct)))), cut(inAny(eastAsian)), cut(oneNumber),
	}
	splitDeepSeek3 = []splitter{cut(threeNums), cut(inAny(cjkKana)), cut(deepSeekWord)}
	splitSpark     = []splitter{cut(threeNums), cut(inAny(cjkKana)), cut(first(punctuatedWord, led(markedLead, run(marked)),
		blankLed(run(punctuation)), atMost(1, newlines), spaces)), cut(oneNumber)}
	splitAFMoE = []splitter{thousands, cut(inAny(asian)), cut(deepSeekWord)}

	splitLines  = []splitter{lines}
	splitBlanks = []splitter{cut(run(not(space)))}
)

// spaceLed matches the body with one \s before it or none.
func spaceLed(body match) match { return led(anyOf(space), body) }

// bloomWord is  ?[^(\s|.,!?…。，、।۔،)]+.
var bloomWord = blankLed(notIn(stops))

// oldPunctuation matches a run of \p{P} and the characters of more.
func oldPunctuation(more string) match {
	return func(text string) int {
		for i, r := range text {
			if runeClass(r)&punct == 0 && !contains(more, r) {
				return i
			}
		}
		return len(text)
	}
}

func contains(chars string, r rune) bool {
	for _, c := range chars {
		if c == r {
			return true
		}
	}
	return false
}

// punctuationMark matches one character of \p{P} or of ASCII's signs.
func punctuationMark(text string) int {
	c, n := classAt(text)
	if c&punct != 0 || c&symbolic != 0 && n == 1 && text[0] < 0x80 {
		return n
	}
	return 0
}

// notIn matches a run of characters that are neither blanks nor in the ranges.
func notIn(pairs []rune) match {
	return func(text string) int {
		for i, r := range text {
			if runeClass(r)&space != 0 || inRanges(r, pairs) {
				return i
			}
		}
		return len(text)
	}
}
