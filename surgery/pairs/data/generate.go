//go:build ignore

// Command generate writes beginnings.txt: neutral beginnings of sentences, two to six words each, from the lists below.
package main

import (
	"log"
	"math/rand/v2"
	"os"
	"strings"
)

// Lists of a group go with any entry of the other lists of the same group.
var (
	openers = list(`Hey just|Well maybe|So now|But then|And yet|I mean|To be fair|At least|Right now|Just like|Not really|No wonder
Maybe if|Even if|If you|When you|When they|Because of|Again with|Look at|Speaking of|Thanks for|Good to|Nice to|Sorry but|Please keep|Let us|Let me
How can|How many|Why would|Why is|Where did|Who would|What if|What a|Which one|Have you|Did anyone|Can someone|Does this|Is there|Are we|Should we
You can|You should|You might|You could|We are|We have|We need|They say|They want|They have|He was|He said|She thinks|She will|It seems|It would|It could be
There was|There are|That was|That is|This is|This one|These are|Those were|Some of|Most of|Half of|One of|All of|Every time|Once again|Last night|This morning
Next week|In fact|In the end|On top of|Out of|Instead of|According to|After all|Before that|During the|Over the years|By the way|For example|For once|With all
As far as|As long as|As soon as|Until then|Since when|Sounds like|Looks like|Feels like|Turns out|Guess what|Remember when|Imagine if|Seriously though|Honestly I|Actually the|Apparently the|Probably the|Clearly they|Anyway the`)
	people = list(`My neighbor|My brother|My sister|My boss|My friend|The teacher|The driver|The manager|The coach|The mayor|The judge|The doctor|The landlord|The reporter|The referee|The mechanic
The waiter|The owner|The senator|The student|The singer|The editor|The developer|The director|The customer|That guy|This woman|Our team|Our family|The kids|The players|The fans|The crowd|The police
The company|The union|The committee|The council|The new guy|Your friend|His father|Her mother|Their lawyer|Some people|Most people|Nobody here|Everyone I know|The people who`)
	acts = list(`said that|told me|wants to|tried to|forgot to|decided to|refused to|keeps asking|never learned|always thought|just bought|finally made|used to be|should have been|is going to|was supposed to
needs a|looks like a|talked about|walked into|complained about|argued with|wrote about|paid for|laughed at|waited for|came back from|knows how to|has to be|will not stop|does not understand|asked me to`)
	things = list(`the meeting|the weather|the game|the movie|the new phone|the election|the traffic|the food|the music|the news|the article|the book|the plan|the price|the update|the school|the bus
the website|the comments|the video|the house|the garden|the job|the weekend|the police report|the interview|the rules|the vote|the tax bill|the train|the dog|the car|the neighborhood|the hospital|the show|the company`)
	thingActs = list(`is so|was a|has been|makes me|turned into|made everyone|looks like|sounds like|will never|should be|could have been|needs to|cost me|started with|ended with|got worse when|is full of|reminds me of`)
	views     = list(`I think|I hope|I wonder if|I am tired of|I was reading about|I can not believe|I would rather talk about|I remember|I never liked|I like|I heard about|I used to love|I do not understand
We talked about|We were waiting for|You should see|You would not believe|You are wrong about|People keep talking about|They never mention|Nobody cares about|Tell me about|Thank you for|What do you think about`)
	asks = list(`Why does|When did|How did|Where was|What happened when|Do you know why|Have you seen how|Is it true that|Did you hear that|Can you believe|Ask yourself why|Tell me how|Imagine that|I wonder why|It is clear that|They say`)
)

// group makes beginnings by joining one entry of each list.
type group struct {
	count int
	lists [][]string
}

var groups = []group{
	{150, [][]string{openers}},
	{60, [][]string{people}},
	{230, [][]string{people, acts}},
	{140, [][]string{things, thingActs}},
	{140, [][]string{views, things}},
	{60, [][]string{asks, lower(people)}},
	{60, [][]string{asks, things}},
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '|' || r == '\n' })
}

func lower(s []string) []string {
	out := make([]string, len(s))
	for i, w := range s {
		out[i] = strings.ToLower(w[:1]) + w[1:]
	}
	return out
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// combinations returns all ways to join one entry of each list.
func combinations(lists [][]string) []string {
	out := []string{""}
	for _, l := range lists {
		var next []string
		for _, a := range out {
			for _, b := range l {
				next = append(next, strings.TrimSpace(a+" "+b))
			}
		}
		out = next
	}
	return out
}

func main() {
	r := rand.New(rand.NewPCG(1, 0))
	seen := map[string]bool{}
	var all []string
	for _, g := range groups {
		c := combinations(g.lists)
		r.Shuffle(len(c), func(i, j int) { c[i], c[j] = c[j], c[i] })
		for i, n := 0, 0; i < len(c) && n < g.count; i++ {
			s := capital(c[i])
			words := len(strings.Fields(s))
			if seen[s] || words < 2 || words > 6 {
				continue
			}
			seen[s] = true
			all = append(all, s)
			n++
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if err := os.WriteFile("beginnings.txt", []byte(strings.Join(all, "\n")+"\n"), 0o644); err != nil {
		log.Fatal(err)
	}
}
