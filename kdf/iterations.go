package kdf

// WithoutIterations separates the iterations of PBKDF2, which Autonomail keeps
// on the device. It returns [ErrUnknown] for other algorithms, or
// [ErrIncomplete]. This hardly slows attackers: use it for compatibility only.
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

// WithIterations returns p with 1 to 2^31−1 iterations, or [ErrMalformed].
func (p Params) WithIterations(iterations int) (Params, error) {
	if !p.lacksIterations() {
		return Params{}, errHasIterations
	}
	p.n = cost(iterations)
	return complete(p)
}

func (p Params) lacksIterations() bool { return p.algorithm == PBKDF2SHA512 && p.n == 0 }
