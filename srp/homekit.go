package srp

import "crypto"

// HomeKit is the profile of HomeKit pair setup: see FORMAT.md. Limit the tries.
func HomeKit() Profile { return Profile{idHomeKit} }

// homekitGroup reports whether a group is HomeKit's.
func homekitGroup(g *groupParams) bool { return rfc5054Number(g.n, g.g) == 3072 }

// homekit is the formulas of RFC 5054 with SHA-512 and both flags, except M2.
type homekit struct {
	rfc5054
}

var homekitHash = rfc5054{crypto.SHA512, MinimalG | MinimalValues}

// proofs differs in M2 = H(PAD(A) ‖ M1 ‖ K).
func (h homekit) proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error) {
	K, M1, _, err = h.rfc5054.proofs(t, S)
	return K, M1, h.sum(t.A, M1, K), err
}

var _ formulas = homekit{}
