package srp

import "crypto"

// HomeKit is the profile of Apple's HomeKit Accessory Protocol, pair setup:
// SRP-6a with SHA-512 in RFC 5054's group of 3072 bits. Pass the identity
// "Pair-Setup" to Register and Login. The password is the set-up code, digits
// and dashes as printed.
//
// It is meant for the typed form. [Challenge].Salt, 16 bytes, and B, 384 bytes,
// are the values of TLV types Salt and PublicKey that an accessory sends in M2.
// [Proof].A and M1, 384 and 64 bytes, are PublicKey and Proof of M3. The 64
// bytes that [Server.Verify] returns first are Proof of M4. Both sides end with
// K, 64 bytes, from which pair setup goes on. The caller splits values longer
// than 255 bytes over several TLV items.
//
// Software for HomeKit disagrees on whether leading zero bytes of A, B and S are
// hashed. Peers may send A and B without them: 1 to 384 bytes are accepted. This
// package draws a and b again while A, or B, starts with a zero byte, so that
// all peers compute the same M1 and M2 unless S is short. With peers that hash S
// in full length, fast-srp-hap for example, 1 login in 256 fails: use
// RFC5054SHA512(MinimalG) in the same group for them.
//
// A set-up code is short-lived and has eight digits, and its hash is fast (see
// [Profile.NeedsUpgrade]). Limit the tries, as the protocol demands.
func HomeKit() Profile { return Profile{idHomeKit} }

// homekitGroup reports whether a group is the one of HomeKit.
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
