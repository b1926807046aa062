package srp

// HomeKit is the profile of Apple's HomeKit Accessory Protocol, pair setup:
// SRP-6a with SHA-512 in RFC 5054's group of 3072 bits, the identity
// "Pair-Setup", and the set-up code, digits and dashes as printed, for a
// password.
//
// It is meant for the typed form: [Challenge].Salt, 16 bytes, and B, 384
// bytes, are the values of TLV types Salt and PublicKey that an accessory
// sends in M2; [Proof].A and M1, 384 and 64 bytes, are PublicKey and Proof of
// M3; the 64 bytes that Verify returns first are Proof of M4. Both sides end
// with K, 64 bytes, from which pair setup goes on. Values longer than 255
// bytes are split over several TLV items, by the caller.
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
var homekitBase = rfc5054{uint8(2<<2) | uint8(MinimalG|MinimalValues)}

func (homekit) name() string { return "homekit" }

func (homekit) accepts(d *domain) bool { return rfc5054Number(d.n, d.g) == 3072 }

// serverProof is M2 = H(PAD(A) ‖ M1 ‖ K).
func (h homekit) serverProof(t *transcript, M1, K []byte) []byte { return h.sum(t.A, M1, K) }

var _ scheme = homekit{}
