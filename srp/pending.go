package srp

import (
	"crypto/sha256"

	"golang.org/x/crypto/cryptobyte"
)

// pendingLogin is what a server remembers of a login between its two messages.
// FORMAT.md has its layout.
type pendingLogin struct {
	recordDigest [sha256.Size]byte // of the record, or of nothing
	profile      Profile
	group        *groupParams
	prefix       []byte
	salt         []byte
	v            []byte // in the profile's byte order, like B
	b            []byte
	B            []byte
}

func (p *pendingLogin) bytes() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 4<<10))
	b.AddBytes(p.recordDigest[:])
	b.AddUint8(p.profile.id)
	addGroup(b, UnverifiedGroup{N: p.group.n, G: p.group.g})
	addBytes8(b, p.prefix)
	addBytes8(b, p.salt)
	addBytes8(b, p.b)
	b.AddBytes(p.v)
	b.AddBytes(p.B)
	return b.Bytes()
}

func parsePending(body []byte) (*pendingLogin, bool) {
	s := cryptobyte.String(body)
	p := new(pendingLogin)
	var ok bool
	if !s.CopyBytes(p.recordDigest[:]) {
		return nil, false
	}
	if p.profile, ok = readProfile(&s); !ok {
		return nil, false
	}
	g, params, ok := readGroup(&s)
	if !ok || len(g.Certificate) != 0 {
		return nil, false
	}
	var prefix, salt, b cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&prefix) || !s.ReadUint8LengthPrefixed(&salt) ||
		!s.ReadUint8LengthPrefixed(&b) || len(s) != 2*len(g.N) {
		return nil, false
	}
	p.group = params
	p.prefix, p.salt, p.b = prefix, salt, b
	p.v, p.B = s[:len(g.N)], s[len(g.N):]
	return p, true
}

func (p *pendingLogin) clear() {
	clear(p.v)
	clear(p.b)
}
