//go:build ignore

// Command generate writes beginnings.txt: neutral beginnings of sentences, a
// subject and one or two words. They are short, so that the model chooses what is
// said, and none is a start that the built-in measurement uses.
package main

import (
	"log"
	"math/rand/v2"
	"os"
	"strings"
)

var subjects = []string{
	"I", "You", "He", "She", "We", "They", "It", "People", "Somebody", "The man", "The woman", "The driver", "The teacher", "The manager",
	"The neighbors", "Our team", "My brother", "My sister", "My landlord", "His wife", "Her husband", "Their kids", "The coach", "The company",
	"The government", "The internet", "Your dog", "Your car", "My phone", "This place", "This movie", "That song", "The game", "The food", "The weather",
	"Monday", "Work", "School", "The doctor", "The police",
}

var verbs = []string{
	"is", "was", "really", "always", "just", "can't", "should", "thinks", "needs", "makes", "looks like", "is such", "was so", "is not", "went",
	"has been", "will never", "could be", "said that", "tried to",
}

var plural = map[string]string{"is": "are", "was": "were", "thinks": "think", "needs": "need", "makes": "make", "looks like": "look like", "is such": "are such", "was so": "were so", "is not": "are not", "has been": "have been"}

var takesPlural = map[string]bool{"You": true, "We": true, "They": true, "People": true, "The neighbors": true, "Their kids": true, "The police": true}

var first = map[string]string{"is": "am", "thinks": "think", "needs": "need", "makes": "make", "looks like": "look like", "is such": "am such", "is not": "am not", "has been": "have been"}

func main() {
	var out []string
	for _, s := range subjects {
		for _, v := range verbs {
			if p, ok := plural[v]; ok && takesPlural[s] {
				v = p
			}
			if p, ok := first[v]; ok && s == "I" {
				v = p
			}
			out = append(out, s+" "+v)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	if err := os.WriteFile("beginnings.txt", []byte(strings.Join(out, "\n")+"\n"), 0o644); err != nil {
		log.Fatal(err)
	}
}
