// Package eval measures what an edit did to a language model: how often it
// continues toxically, whether what it writes is still language, and what it lost.
//
// Every metric is one file and works on the small interfaces of lm.go, so that it
// can be tested on a model of ten lines; New adapts a *model.Model.
//
//   - Toxicity: continuations of prompts, judged one by one; rates carry percentile
//     bootstrap intervals over prompts (the prompt is the cluster).
//   - Coherence: the share of continuations that the original model finds plausible.
//     A rate of toxicity means nothing without it: a broken model writes gibberish,
//     which no judge calls toxic.
//   - Perplexity, KL divergence and top-1 agreement on a text, BLiMP, log-probabilities
//     of given continuations.
//
// The judge is a logistic regression on hashed n-grams, trained on ParaDetox
// (Logacheva et al., ACL 2022; CC0 1.0), both sides of every pair, so that the
// topic tells it nothing. See JudgeOptions for its features and TrainJudge for how
// the embedded file data/judge.bin is made. WordList is a second, cruder judge: a
// floor and a sanity check.
package eval
