package srp

// HomeKit is the profile of Apple's HomeKit Accessory Protocol, pair setup:
// SRP-6a with SHA-512 in RFC 5054's group of 3072 bits. Pass the identity
// "Pair-Setup" to Register and Login, and for a password the set-up code,
// digits and dashes as printed.
//
// It is meant for the typed form: [Challenge].Salt, 16 bytes, and B, 384
// bytes, are the values of TLV types Salt and PublicKey that an accessory
// sends in M2; [Proof].A and M1, 384 and 64 bytes, are PublicKey and Proof of
// M3; the 64 bytes that Verify returns first are Proof of M4. Both sides end
// with K, 64 bytes, from which pair setup goes on. Values longer than 255
// bytes are split over several TLV items, by the caller. Peers may send A and B
// without their leading zero bytes: 1 to 384 bytes are accepted.
//
// Some software for HomeKit hashes A, B and S in full length instead, and so
// fails with this profile in about 3 of 256 logins: with fast-srp-hap use
// RFC5054SHA512(MinimalG) in the same group.
//
// A set-up code is short-lived and has eight digits; its hash is fast (see
// [Profile.NeedsUpgrade]). Limit the tries, as the protocol demands.
func HomeKit() Profile { return Profile{idHomeKit} }

// homekit is RFC 5054 with SHA-512 and both flags, except for M2, and in one
// group.
type homekit struct {
	rfc5054
}

// homekitBase are the formulas that HomeKit shares with the RFC's family.
var homekitBase = rfc5054{index: uint8(2<<2) | uint8(MinimalG|MinimalValues)}

func (homekit) name() string { return "homekit" }

func (homekit) accepts(d *domain) bool { return rfc5054Number(d.n, d.g) == 3072 }

// fullLength gives A and B their leading zeros back.
func (homekit) fullLength(d *domain, b []byte) []byte {
	if len(b) == 0 || len(b) >= len(d.n) {
		return b
	}
	return append(make([]byte, len(d.n)-len(b), len(d.n)), b...)
}

// proofs differs in M2 = H(PAD(A) ‖ M1 ‖ K).
func (h homekit) proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error) {
	K, M1, _, err = h.rfc5054.proofs(t, S)
	return K, M1, h.sum(t.A, M1, K), err
}

var _ scheme = homekit{}
