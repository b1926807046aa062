// Package openpgp reads the moduli that Proton distributes: OpenPGP messages
// with a cleartext signature (RFC 9580, Section 7) over the base64 form of a
// little-endian number of 2048 bits.
//
// # Where to start
//
// A server verifies a message and keeps it as the certificate of a group.
// Package srp proves that N is a safe prime:
//
//	key, err := openpgp.ParseKey(openpgp.ProtonKey)
//	n, err := key.Modulus(message)
//	group, err := srp.NewGroup(n, openpgp.Generator)
//	group, err = group.WithCertificate(message)
//
// A client verifies the certificate, and then proves N:
//
//	client, err := srp.NewClient(srp.ClientConfig{
//		Profiles:    []srp.Profile{srp.Proton(4)},
//		GroupPolicy: key.GroupPolicy(),
//	})
//
// For another wire format, such as Proton's JSON, use n, [Generator] and the
// message in a [github.com/nescio-go/nescio/srp.UnverifiedGroup].
//
// # Security
//
// A signature shows only who chose the modulus. This package does not prove N.
// All values are public, and nothing is constant time.
package openpgp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	pgp "github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	MaxMessage  = 4096 // the largest size of a message, in bytes
	ModulusSize = 256  // the size of a modulus, in bytes
	Generator   = 2    // the generator of all of Proton's groups

	maxKey = 16 << 10
)

// Errors of this package, for errors.Is.
var (
	// ErrMalformed means a key or a message in another form.
	ErrMalformed = errors.New("openpgp: malformed")
	// ErrUntrusted means a message that the key did not sign, or a group
	// without a certificate for it.
	ErrUntrusted = errors.New("openpgp: modulus not trusted")
)

var (
	errKey     = fmt.Errorf("%w: not one armored public key", ErrMalformed)
	errMessage = fmt.Errorf("%w: not a modulus with a cleartext signature", ErrMalformed)
	errNumber  = fmt.Errorf("%w: the number is not a modulus of 2048 bits with generator 2", ErrMalformed)

	errSignature     = fmt.Errorf("%w: not signed by this key", ErrUntrusted)
	errNoCertificate = fmt.Errorf("%w: the group has no certificate", ErrUntrusted)
	errOtherGroup    = fmt.Errorf("%w: the certificate is for another group", ErrUntrusted)
)

// Key is a public key. It is immutable and safe for concurrent use.
type Key struct {
	entities pgp.EntityList
}

// ParseKey reads one armored OpenPGP public key of at most 16 KiB, such as
// [ProtonKey]. White space may surround it. It returns [ErrMalformed] for
// anything else.
func ParseKey(armored string) (*Key, error) {
	block := strings.TrimSpace(armored)
	if len(armored) > maxKey ||
		!strings.HasPrefix(block, beginKey+"\n") && !strings.HasPrefix(block, beginKey+"\r\n") ||
		strings.Index(block, endKey) != len(block)-len(endKey) {
		return nil, errKey
	}
	entities, err := pgp.ReadArmoredKeyRing(strings.NewReader(armored))
	if err != nil || len(entities) != 1 || entities[0].PrivateKey != nil {
		return nil, errKey
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

// Modulus verifies the signature of a message and returns N, big-endian and 256
// bytes long.
//
// The message must consist of a Hash header, an empty line, a line with the
// canonical base64 form of 256 bytes, and an armored signature of type 0x01 by
// this key only. Lines end in LF or CRLF, and the last line end can be missing.
// N must be 2048 bits long with N ≡ 3 (mod 8), which 2 needs to generate the
// whole group. The Hash header and armor comments are ignored.
//
// The key must have been valid when the signature was made. It may have expired
// since, because accounts use a modulus for years.
//
// Modulus returns [ErrMalformed] or [ErrUntrusted].
func (k *Key) Modulus(message []byte) ([]byte, error) {
	if len(message) > MaxMessage {
		return nil, errMessage
	}
	body, ok := signedLine(string(message))
	if !ok {
		return nil, errMessage
	}
	block, rest := clearsign.Decode(message)
	if block == nil || len(rest) != 0 || string(block.Plaintext) != body {
		return nil, errMessage
	}
	if err := k.verify(block); err != nil {
		return nil, err
	}
	n, err := base64.StdEncoding.Strict().DecodeString(body)
	if err != nil || len(n) != ModulusSize {
		return nil, errNumber
	}
	slices.Reverse(n)
	if n[0]&0x80 == 0 || n[ModulusSize-1]&7 != 3 {
		return nil, errNumber
	}
	return n, nil
}

// signedLine returns the only line of text in a message of the exact form. The
// signature covers only that line, without its line end.
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
	body, err := io.ReadAll(block.ArmoredSignature.Body)
	if err != nil {
		return errMessage
	}
	signature, ok := onlySignature(body)
	if !ok {
		return errMessage
	}
	block.ArmoredSignature.Body = bytes.NewReader(body)
	atSigning := &packet.Config{Time: func() time.Time { return signature.CreationTime }}
	if _, err := block.VerifySignature(k.entities, atSigning); err != nil {
		return errSignature
	}
	return nil
}

// onlySignature returns the signature of a sequence of packets that consists of
// one signature over text. Package openpgp ignores signatures of other keys,
// and accepts a signature of another type.
func onlySignature(body []byte) (*packet.Signature, bool) {
	packets := packet.NewOpaqueReader(bytes.NewReader(body))
	first, err := packets.Next()
	if err != nil {
		return nil, false
	}
	if _, err := packets.Next(); err != io.EOF {
		return nil, false
	}
	parsed, err := first.Parse()
	if err != nil {
		return nil, false
	}
	signature, ok := parsed.(*packet.Signature)
	return signature, ok && signature.SigType == packet.SigTypeText
}

// GroupPolicy returns the policy with which a client of package srp accepts
// groups. The generator must be 2, and the certificate a message of this key
// with the modulus n (see [Key.Modulus]). The policy returns [ErrUntrusted] or
// [ErrMalformed].
func (k *Key) GroupPolicy() func(n []byte, g int, certificate []byte) error {
	return func(n []byte, g int, certificate []byte) error {
		if len(certificate) == 0 {
			return errNoCertificate
		}
		signed, err := k.Modulus(certificate)
		if err != nil {
			return err
		}
		if g != Generator || !bytes.Equal(n, signed) {
			return errOtherGroup
		}
		return nil
	}
}
