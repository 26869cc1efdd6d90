package edit

// Rounding is a way to bring a float change onto the grid of a quantized tensor.
type Rounding string

// The roundings. Auto is Aware where a part has float forms, and nothing where
// it has carriers alone: those are written exactly.
const (
	Auto    Rounding = "auto"
	Nearest Rounding = "nearest"
	OnGrid  Rounding = "grid"
	Codes   Rounding = "codes"
	Refit   Rounding = "refit"
	Aware   Rounding = "aware"
)

// roundings lists what each rounding does to the rows of a quantized tensor: raw
// holds them with their carriers moved, want is what the edit asks for.
var roundings = []struct {
	name  Rounding
	about string
	round func(j *job, raw []byte, want []float32)
}{
	{Nearest, "encode the changed blocks anew, each weight to the nearest value", (*job).nearest},
	{OnGrid, "nearest codes on the block scales that are there", (*job).onGrid},
	{Codes, "codes so that the layer's output follows the edit, on the scales that are there", (*job).awareCodes},
	{Refit, "scales so that the layer's output follows the edit, with the codes that are there", (*job).refit},
	{Aware, "codes and scales chosen so that the layer's output follows the edit", (*job).aware},
}

// ParseRounding returns the rounding of that name.
func ParseRounding(name string) (Rounding, bool) {
	for _, r := range Roundings() {
		if string(r) == name {
			return r, true
		}
	}
	return "", false
}

// Roundings lists the names, the default first.
func Roundings() []Rounding {
	names := []Rounding{Auto}
	for _, r := range roundings {
		names = append(names, r.name)
	}
	return names
}
