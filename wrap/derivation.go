package wrap

import (
	"crypto/sha256"
	"encoding/binary"
)

// derivation computes the parts of a blob other than the ciphertext. It runs
// HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869) over sha256.Sum256 in one
// buffer: crypto/hmac and crypto/hkdf would allocate more than fifty times for
// a secret of 32 bytes.
type derivation struct {
	all  []byte // the one allocation, of which the rest are parts
	kek  []byte
	info []byte // version ‖ suite ‖ u32 len ‖ ctx
	key  []byte // Ke

	commitment []byte
	zeros      []byte // AES-GCM's nonce
	work       []byte // a block for HMAC's key and its message
}

const (
	infoPrefix  = "keywrap/v1\x00"
	nonceLabel  = "keywrap/v1\x00nonce"
	gcmNonce    = 12
	infoContext = 2 // where u32 len ‖ ctx begins in info
)

// newDerivation returns ErrBinding for a binding out of range. It allocates for
// a secret of the given size.
func newDerivation(kek []byte, b Binding, secret int) (d derivation, err error) {
	if !b.valid() {
		return derivation{}, ErrBinding
	}
	info := infoContext + 4 + b.size()
	message := max(1+randSize+info+secret, sha256.Size+len(infoPrefix)+info+1)
	d = derivation{all: make([]byte, KeySize+info+sha256.Size+commitmentSize+gcmNonce+sha256.BlockSize+message)}
	rest := d.all
	cut := func(n int) []byte {
		part := rest[:n:n]
		rest = rest[n:]
		return part
	}
	d.kek, d.info, d.key = cut(KeySize), cut(info), cut(sha256.Size)
	d.commitment, d.zeros, d.work = cut(commitmentSize), cut(gcmNonce), rest
	copy(d.kek, kek)
	binary.BigEndian.PutUint32(d.info[infoContext:], uint32(b.size()))
	b.append(d.info[infoContext+4 : infoContext+4])
	return d, nil
}

// nonce writes HMAC-SHA256(Kn, suite ‖ rand32 ‖ u32 len ‖ ctx ‖ secret)[:24],
// with Kn = HKDF-SHA256(KEK, "", "keywrap/v1" ‖ 00 ‖ "nonce", 32). It depends
// on the secret too. If the random source fails, no nonce repeats for another
// secret.
func (d *derivation) nonce(nonce []byte, s Suite, random, secret []byte) {
	prk := d.hmac(nil, d.kek)
	kn := d.hmac(prk[:], []byte(nonceLabel), []byte{1})
	sum := d.hmac(kn[:], []byte{byte(s)}, random, d.info[infoContext:], secret)
	copy(nonce, sum[:])
	clear(prk[:])
	clear(kn[:])
}

// keys sets key and commitment to the halves of HKDF-SHA256(KEK, nonce,
// "keywrap/v1" ‖ 00 ‖ version ‖ suite ‖ u32 len ‖ ctx, 64).
func (d *derivation) keys(s Suite, nonce []byte) {
	d.info[0], d.info[1] = formatVersion, byte(s)
	prk := d.hmac(nonce, d.kek)
	t1 := d.hmac(prk[:], []byte(infoPrefix), d.info, []byte{1})
	t2 := d.hmac(prk[:], t1[:], []byte(infoPrefix), d.info, []byte{2})
	copy(d.key, t1[:])
	copy(d.commitment, t2[:])
	clear(prk[:])
	clear(t1[:])
}

// hmac is HMAC-SHA256 for a key of at most one block.
func (d *derivation) hmac(key []byte, message ...[]byte) [sha256.Size]byte {
	var pad [sha256.BlockSize]byte
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	work := append(d.work[:0], pad[:]...)
	for _, m := range message {
		work = append(work, m...)
	}
	inner := sha256.Sum256(work)
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	work = append(append(d.work[:0], pad[:]...), inner[:]...)
	clear(pad[:])
	return sha256.Sum256(work)
}

func (d *derivation) clear() { clear(d.all) }
