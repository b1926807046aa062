package kdf

// Withhold takes the number of iterations out of PBKDF2 parameters, as the mail
// service Autonomail does: all else is stored with the server, the number stays on
// the device, and [Params.Supply] puts it back. It returns ErrUnknown for other
// algorithms and ErrIncomplete if the number is out already.
//
// It is here for compatibility. PBKDF2 passes every smaller count on its way to
// a larger one, so that a guesser who does not know the count loses only the
// factor by which the largest plausible count exceeds it; and the number is gone
// with the device. A random secret on the device, mixed into the key, protects
// better.
func (p Params) Withhold() (rest Params, iterations int, err error) {
	if p.algorithm != PBKDF2SHA512 {
		return Params{}, 0, errOnlyPBKDF2
	}
	if p.withheld() {
		return Params{}, 0, errWithheld
	}
	iterations, p.n = int(p.n), 0
	return p, iterations, nil
}

// Supply puts the withheld number of iterations back. It returns ErrMalformed
// if none is missing or the number is not 1 to 2^31−1. The policy judges the
// result, as it does all parameters, in Check.
func (p Params) Supply(iterations int) (Params, error) {
	if !p.withheld() {
		return Params{}, errNothingToDo
	}
	p.n = cost(iterations)
	return complete(p)
}

func (p Params) withheld() bool { return p.algorithm == PBKDF2SHA512 && p.n == 0 }
