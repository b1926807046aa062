package decoy

const MaxE = maxE

var (
	Exponential = exponential
	Smaller     = smaller
)
