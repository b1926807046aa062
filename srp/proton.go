package srp

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"slices"

	"github.com/nescio-go/nescio/internal/bcrypt"
	"github.com/nescio-go/nescio/kdf"
)

// Proton is the profile of Proton's version 0 to 4. It uses 72 bytes of the
// password. Versions 0 to 2 only log in.
func Proton(version int) Profile {
	if version < 0 || version > 4 {
		return Profile{}
	}
	return Profile{idProton + uint8(version)}
}

// ProtonVersion returns the version of a [Proton] profile.
func (p Profile) ProtonVersion() (version int, ok bool) {
	s := p.spec()
	if s == nil {
		return 0, false
	}
	f, ok := s.formulas.(proton)
	return f.version, ok
}

// ProtonFallback returns the profiles to try for the stored version 0. Each try
// lets a false server test guesses.
func ProtonFallback(identity []byte) []Profile {
	order := []Profile{Proton(2)}
	if string(protonClean(identity)) != string(bytes.ToLower(identity)) {
		order = append(order, Proton(1))
	}
	return append(order, Proton(0))
}

// protonSize is the size of N, A, B, S, M1 and M2 in bytes.
const protonSize = 256

const protonCost = 10 // of bcrypt

// protonGroup reports whether a group is one that Proton could have signed.
func protonGroup(g *groupParams) bool { return len(g.n) == protonSize && g.g == 2 }

// proton is the formulas of authentication version 0 to 4.
type proton struct {
	version int
}

// expandHash is Proton's hash: SHA-512 of the input followed by 00, 01, 02, 03.
func expandHash(parts ...[]byte) []byte {
	h := sha512.New()
	defer wipe(h)
	out := make([]byte, 0, 4*sha512.Size)
	for i := range byte(4) {
		h.Reset()
		for _, p := range parts {
			h.Write(p)
		}
		h.Write([]byte{i})
		out = h.Sum(out)
	}
	return out
}

// multiplier is k = LE(EH(LE256(g) ‖ N)). The caller reduces it modulo N.
func (p proton) multiplier(g *groupParams) []byte {
	return reversed(expandHash(reversed(g.paddedG()), reversed(g.n)))
}

// scramble is u = LE(EH(A ‖ B)).
func (p proton) scramble(A, B []byte) []byte { return reversed(expandHash(A, B)) }

// prefix is empty: the proofs cover only A, B and S.
func (p proton) prefix(*groupParams, *parties) ([]byte, error) { return nil, nil }

// proofs are M1 = EH(A ‖ B ‖ S) and M2 = EH(A ‖ M1 ‖ S). K is S.
func (p proton) proofs(t *transcript, S []byte) (K, M1, M2 []byte, err error) {
	M1 = expandHash(t.A, t.B, S)
	return append([]byte(nil), S...), M1, expandHash(t.A, M1, S), nil
}

// privateKey is x = LE(EH(C ‖ N)), 2048 bits. C is the text of a bcrypt hash
// whose password and salt depend on the version.
func (p proton) privateKey(_ context.Context, g *groupParams, _ *kdf.Function, I, password, salt []byte) ([]byte, error) {
	return protonPrivateKey(p.version, I, password, salt, reversed(g.n))
}

func protonPrivateKey(version int, I, password, salt, littleEndianN []byte) ([]byte, error) {
	var salt16 [bcrypt.SaltSize]byte
	switch version {
	case 3, 4:
		copy(salt16[copy(salt16[:], salt):], "proton")
	default:
		if version == 0 {
			named := slices.Concat(bytes.ToLower(I), password)
			sum := sha512.Sum512(named)
			clear(named)
			defer clear(sum[:])
			password = base64.StdEncoding.AppendEncode(nil, sum[:])
			defer clear(password)
		}
		if version == 2 {
			I = protonClean(I)
		}
		sum := md5.Sum(bytes.ToLower(I))
		var err error
		if salt16, err = bcrypt.DecodeSalt(hex.EncodeToString(sum[:])[:22]); err != nil {
			return nil, err
		}
	}
	C, err := bcrypt.Hash(password, salt16, protonCost)
	if err != nil {
		return nil, err
	}
	defer clear(C[:])
	x := expandHash(C[:], littleEndianN)
	slices.Reverse(x)
	return x, nil
}

// protonClean is the user name as version 2 hashes it.
func protonClean(I []byte) []byte {
	return bytes.ToLower(bytes.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == '_' {
			return -1
		}
		return r
	}, I))
}

var _ formulas = proton{}
