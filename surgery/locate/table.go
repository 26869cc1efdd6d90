package locate

import "github.com/detox-surgery/detox-surgery/train/model"

// Method is a way to score neurons.
type Method struct {
	Name  string
	About string
	// score adds the scores of a batch of examples, [blocks][neurons].
	score func(s *scorer, batch []Example)
	// open prepares the model and returns what undoes that; may be nil.
	open func(s *scorer) (restore func())
}

// Methods lists the methods, the default first.
var Methods = []Method{
	{
		Name: "attribution", About: "gradient times activation of mean log p(rejected) - mean log p(chosen)",
		score: attribute, open: openAttribution,
	},
	{
		Name: "contrast", About: "mean activation on rejected minus on chosen continuations",
		score: contrast, open: openContrast,
	},
}

// Find returns the method of that name.
func Find(name string) (Method, bool) {
	for _, m := range Methods {
		if m.Name == name {
			return m, true
		}
	}
	return Method{}, false
}

// ffnDown is the role whose input the neurons of a block are.
func ffnDown(block int) model.Role { return model.Role{Kind: model.FFNDown, Block: block} }
