// Package openpgp reads the moduli that Proton distributes: OpenPGP messages
// with a cleartext signature (RFC 9580, Section 7) over the base64 form of a
// little-endian number of 2048 bits.
//
// A server reads a message, lets package srp prove that N is a safe prime, and
// keeps the message as the certificate of the group, for its clients:
//
//	key, err := openpgp.ParseKey(openpgp.ProtonKey)
//	n, err := key.Modulus(message)
//	group, err := srp.NewGroup(n, openpgp.Generator)
//	group, err = group.WithCertificate(message)
//
// A client needs only the key. Package srp asks the policy of [Key.GroupPolicy]
// whether the certificate is for the group, and then proves N itself:
//
//	client, err := srp.NewClient(srp.ClientConfig{
//		Profiles:    []srp.Profile{srp.Proton(4)},
//		GroupPolicy: key.GroupPolicy(),
//	})
//
// If the modulus arrives in another wire format, as in Proton's JSON, the
// client passes it on as srp.UnverifiedGroup{N: n, G: openpgp.Generator,
// Certificate: message}.
//
// A signature only says who chose the modulus. This package does not test
// whether N is prime, and does not read other OpenPGP messages. All values are
// public, and nothing here is constant time.
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
	// MaxMessage is the size of the largest message that is read, in bytes.
	// Proton's messages are about 660 bytes long.
	MaxMessage = 4096
	// ModulusSize is the size of a modulus, in bytes.
	ModulusSize = 256
	// Generator is the generator of every group that Proton distributes.
	Generator = 2

	maxKey = 16 << 10
)

// Errors of this package, to be told apart with errors.Is. The text ends with
// the reason, which is constant.
var (
	// ErrMalformed means a key or a message that is not in the exact form that
	// [ParseKey] or [Key.Modulus] describes.
	ErrMalformed = errors.New("openpgp: malformed")
	// ErrUntrusted means a message that the key did not sign, or a group
	// without a certificate or with a certificate for another group.
	ErrUntrusted = errors.New("openpgp: modulus not trusted")
)

var (
	errKey     = fmt.Errorf("%w: not one armored public key", ErrMalformed)
	errMessage = fmt.Errorf("%w: not a modulus with a cleartext signature", ErrMalformed)
	errNumber  = fmt.Errorf("%w: the number is not a modulus of 2048 bits with generator 2", ErrMalformed)

	errSignature     = fmt.Errorf("%w: not signed by this key", ErrUntrusted)
	errNoCertificate = fmt.Errorf("%w: no certificate came with the group", ErrUntrusted)
	errOtherGroup    = fmt.Errorf("%w: the certificate is for another group", ErrUntrusted)
)

// Key is a public key that signs moduli. It is immutable and safe for
// concurrent use.
type Key struct {
	entities pgp.EntityList
}

// ParseKey reads one armored OpenPGP public key of at most 16 KiB, such as
// [ProtonKey], with nothing but white space before and after it. It returns
// [ErrMalformed] for anything else.
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

// Modulus verifies the signature of message and returns the modulus N,
// big-endian, 256 bytes long.
//
// The message must consist of a Hash header, an empty line, one line with the
// canonical base64 form of 256 bytes, and an armored signature of this key
// only. One line end may follow, and nothing else. Lines end in LF or CRLF. The
// signature must be of type 0x01, over text. N must be exactly 2048 bits long,
// with N ≡ 3 (mod 8), because otherwise 2 cannot generate the whole group. The
// Hash header and the comments in the armor of the signature are not signed and
// are ignored.
//
// The key must have been valid when the signature was made. It may have expired
// since, and the clock of the caller does not matter: accounts log in on a
// modulus for years.
//
// Modulus returns [ErrMalformed] for a message of another form and
// [ErrUntrusted] for a message that the key did not sign.
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
// signature covers that line alone, without its line end.
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

// GroupPolicy returns the policy by which a client of package srp accepts
// groups. It accepts a group if g is 2 and the certificate is a message with
// the modulus n that this key signed (see [Key.Modulus]). Otherwise the policy
// returns [ErrUntrusted] or [ErrMalformed].
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
