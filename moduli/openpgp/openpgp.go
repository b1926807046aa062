// Package openpgp reads the moduli that Proton distributes: the base64 of a
// little-endian number of 2048 bits in an OpenPGP message with a cleartext
// signature (RFC 9580, Section 7).
//
// A server reads one, has package srp prove that N is a safe prime, and keeps
// the message beside it for its clients:
//
//	key, err := openpgp.ParseKey(openpgp.ProtonKey)
//	n, err := key.Modulus(message)
//	group, err := srp.NewGroup(n, openpgp.Generator)
//	group, err = group.WithCredential(message)
//
// A client needs the key only: package srp asks [Key.AcceptGroup] whether the
// message that comes with a group vouches for it, and then proves N for itself.
//
//	client, err := srp.NewClient(srp.ClientConfig{
//		Profiles:    []srp.Profile{srp.Proton(4)},
//		AcceptGroup: key.AcceptGroup,
//	})
//
// Where the modulus comes in a wire format of its own, as in Proton's JSON, the
// client passes it on as srp.GroupRef{N: n, G: openpgp.Generator, Credential: message}.
//
// A signature only says who chose the modulus. This package does not test
// primality and does not read OpenPGP messages of any other kind.
package openpgp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"

	pgp "github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	// MaxMessage is the largest signed message read, in bytes. Proton's have
	// about 660.
	MaxMessage = 4096
	// ModulusSize is the size of a modulus in bytes.
	ModulusSize = 256
	// Generator is the generator of every such group.
	Generator = 2

	maxKey = 16 << 10
)

var (
	// ErrKey is returned by ParseKey for anything but one armored OpenPGP
	// public key.
	ErrKey = errors.New("openpgp: not one armored public key")
	// ErrMessage is returned for a message that is not of the exact form that
	// Modulus describes, or whose number is none that g = 2 suits.
	ErrMessage = errors.New("openpgp: not a cleartext-signed modulus")
	// ErrSignature is returned for a message that the key did not sign.
	ErrSignature = errors.New("openpgp: modulus not signed by this key")
	// ErrGroup is returned by AcceptGroup for a group that is not the one in
	// the message.
	ErrGroup = errors.New("openpgp: group differs from the signed one")
)

// Key is a public key that signs moduli. It is immutable and safe for
// concurrent use.
type Key struct {
	entities pgp.EntityList
}

// ParseKey reads one armored OpenPGP public key, such as [ProtonKey], with
// nothing but white space before and after it.
func ParseKey(armored string) (*Key, error) {
	block := strings.TrimSpace(armored)
	if len(armored) > maxKey ||
		!strings.HasPrefix(block, beginKey+"\n") && !strings.HasPrefix(block, beginKey+"\r\n") ||
		strings.Index(block, endKey) != len(block)-len(endKey) {
		return nil, ErrKey
	}
	entities, err := pgp.ReadArmoredKeyRing(strings.NewReader(armored))
	if err != nil || len(entities) != 1 || entities[0].PrivateKey != nil {
		return nil, ErrKey
	}
	return &Key{entities}, nil
}

const (
	beginKey       = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	endKey         = "-----END PGP PUBLIC KEY BLOCK-----"
	beginMessage   = "-----BEGIN PGP SIGNED MESSAGE-----"
	beginSignature = "-----BEGIN PGP SIGNATURE-----"
	endSignature   = "-----END PGP SIGNATURE-----"
)

// Modulus verifies the signature of message and returns the modulus N,
// big-endian, 256 bytes.
//
// The message must consist of a Hash header, an empty line, one line with the
// canonical base64 of 256 bytes, and an armored signature by this key and no
// other; nothing may come before or after it but one line end. Lines end in LF
// or CRLF. N must have exactly 2048 bits and N ≡ 3 (mod 8), without which 2
// cannot generate the whole group. The Hash header and the comments of the
// signature's armor are not signed and not compared with anything.
func (k *Key) Modulus(message []byte) ([]byte, error) {
	if len(message) > MaxMessage {
		return nil, ErrMessage
	}
	body, ok := signedLine(string(message))
	if !ok {
		return nil, ErrMessage
	}
	block, rest := clearsign.Decode(message)
	if block == nil || len(rest) != 0 || string(block.Plaintext) != body {
		return nil, ErrMessage
	}
	if err := k.verify(block); err != nil {
		return nil, err
	}
	n, err := base64.StdEncoding.Strict().DecodeString(body)
	if err != nil || len(n) != ModulusSize {
		return nil, ErrMessage
	}
	slices.Reverse(n)
	if n[0]&0x80 == 0 || n[ModulusSize-1]&7 != 3 {
		return nil, ErrMessage
	}
	return n, nil
}

// signedLine returns the one line of text in a cleartext-signed message of the
// exact form. The signature covers that line alone, without its line end.
func signedLine(message string) (string, bool) {
	message = strings.TrimSuffix(strings.ReplaceAll(message, "\r\n", "\n"), "\n")
	lines := strings.Split(message, "\n")
	if len(lines) < 6 ||
		lines[0] != beginMessage ||
		!strings.HasPrefix(lines[1], "Hash: ") ||
		lines[2] != "" ||
		len(lines[3]) != base64.StdEncoding.EncodedLen(ModulusSize) ||
		lines[4] != beginSignature ||
		slices.Index(lines, endSignature) != len(lines)-1 {
		return "", false
	}
	return lines[3], true
}

func (k *Key) verify(block *clearsign.Block) error {
	signature, err := io.ReadAll(block.ArmoredSignature.Body)
	if err != nil {
		return ErrMessage
	}
	// The reader below would pass over signatures by other keys.
	packets := packet.NewOpaqueReader(bytes.NewReader(signature))
	if _, err := packets.Next(); err != nil {
		return ErrMessage
	}
	if _, err := packets.Next(); err != io.EOF {
		return ErrMessage
	}
	block.ArmoredSignature.Body = bytes.NewReader(signature)
	if _, err := block.VerifySignature(k.entities, nil); err != nil {
		return ErrSignature
	}
	return nil
}

// GroupPolicy returns the policy by which a client of package srp accepts groups.
// It accepts a group if g is 2 and the certificate is a message signed by this key
// that contains n (see [Key.Modulus]). Otherwise it returns ErrMessage, ErrSignature
// or ErrGroup.
func (k *Key) GroupPolicy() func(n []byte, g int, certificate []byte) error {
	return func(n []byte, g int, certificate []byte) error {
		signed, err := k.Modulus(certificate)
		if err != nil {
			return err
		}
		if g != Generator || !bytes.Equal(n, signed) {
			return ErrGroup
		}
		return nil
	}
}
