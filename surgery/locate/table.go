package locate

// Method is a way to score neurons.
type Method struct {
	Name  string
	About string
	// score adds the scores of a batch of examples, [blocks][neurons].
	score func(s *scorer, batch []Example)
	// open prepares the model and returns what undoes that; may be nil.
	open func(s *scorer) (restore func())
	// keepsActs says that it reads activations, which mixtures of experts do not keep.
	keepsActs bool
}

// Methods lists the methods, the default first.
var Methods = []Method{
	{
		Name: "attribution", About: "gradient times activation of mean log p(rejected) - mean log p(chosen)",
		score: attribute, open: openAttribution,
	},
	{
		Name: "contrast", About: "mean activation on rejected minus on chosen continuations",
		score: contrast, open: openContrast, keepsActs: true,
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
