package kdf

// WithoutIterations takes the number of iterations out of PBKDF2 parameters and
// returns it apart. The mail service Autonomail stores the rest with the server
// and keeps the number on the device. [Params.WithIterations] puts it back.
//
// It returns [ErrUnknown] for other algorithms and [ErrIncomplete] if the
// number has already been taken out.
//
// Use it for compatibility only. PBKDF2 passes every smaller count on its way
// to a larger one. An attacker who does not know the count loses only the
// factor by which the largest plausible count exceeds it. If the device is
// lost, so is the number. A random secret on the device, mixed into the key,
// protects better.
func (p Params) WithoutIterations() (rest Params, iterations int, err error) {
	if p.algorithm != PBKDF2SHA512 {
		return Params{}, 0, errOnlyPBKDF2
	}
	if p.lacksIterations() {
		return Params{}, 0, errNoIterations
	}
	iterations, p.n = int(p.n), 0
	return p, iterations, nil
}

// WithIterations puts back the number of iterations that
// [Params.WithoutIterations] took out. It applies no policy: [New] does. It
// returns [ErrMalformed] if p does not lack the number, or if the number is not
// between 1 and 2^31−1.
func (p Params) WithIterations(iterations int) (Params, error) {
	if !p.lacksIterations() {
		return Params{}, errHasIterations
	}
	p.n = cost(iterations)
	return complete(p)
}

func (p Params) lacksIterations() bool { return p.algorithm == PBKDF2SHA512 && p.n == 0 }
