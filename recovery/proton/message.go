package proton

import (
	"bytes"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/cryptobyte"
)

// message is an OpenPGP message under one password: an encrypted session key
// and the data. It replaces package openpgp's reader, which parses decrypted
// data before it is authenticated, and runs any derivation for any number of
// session keys.
type message struct {
	sessionKey, data *packet.OpaquePacket
}

// parseMessage reads the two packets of a message and checks what opening it
// would cost. A SKESK of version 4 belongs to a SEIPD of version 1, and version
// 6 to version 2 (RFC 9580, Section 10.3.2.1).
func parseMessage(armored string) (*message, error) {
	b, err := dearmor(armored, armorMessage)
	if err != nil {
		return nil, err
	}
	packets, err := split(b)
	if err != nil {
		return nil, err
	}
	if len(packets) != 2 || packets[0].Tag != tagSKESK || len(packets[0].Contents) == 0 || len(packets[1].Contents) == 0 {
		return nil, ErrMalformed
	}
	m := &message{packets[0], packets[1]}
	versions := [2]byte{m.sessionKey.Contents[0], m.data.Contents[0]}
	if m.data.Tag != tagSEIPD || versions != [2]byte{4, 1} && versions != [2]byte{6, 2} {
		return nil, ErrUnsupported // not protected, or GnuPG's packet 20
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	for _, p := range packets {
		if _, err := p.Parse(); err != nil {
			return nil, readError(err)
		}
	}
	return m, nil
}

// check checks the parameters (RFC 9580, Sections 5.3 and 5.13).
func (m *message) check() error {
	s := cryptobyte.String(m.sessionKey.Contents[1:])
	var cipher, mode uint8
	if m.sessionKey.Contents[0] == 4 {
		if !s.ReadUint8(&cipher) {
			return ErrMalformed
		}
		if !isAES(cipher) {
			return ErrUnsupported
		}
		return checkS2K(&s)
	}
	var parameters, specifier cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&parameters) || !parameters.ReadUint8(&cipher) || !parameters.ReadUint8(&mode) ||
		!parameters.ReadUint8LengthPrefixed(&specifier) || len(m.data.Contents) < 3 {
		return ErrMalformed
	}
	if !isAES(cipher) || !packet.AEADMode(mode).IsSupported() ||
		!isAES(m.data.Contents[1]) || !packet.AEADMode(m.data.Contents[2]).IsSupported() {
		return ErrUnsupported
	}
	if err := checkS2K(&specifier); err != nil {
		return err
	}
	// The lengths, which package openpgp skips.
	if !specifier.Empty() || len(parameters) != packet.AEADMode(mode).IvLength() {
		return ErrMalformed
	}
	return nil
}

func isAES(cipher uint8) bool {
	return cipher >= uint8(packet.CipherAES128) && cipher <= uint8(packet.CipherAES256)
}

// open returns the packets in the message after it has authenticated all
// of them.
func (m *message) open(password []byte) ([]byte, error) {
	parsed, err := m.sessionKey.Parse()
	if err != nil {
		return nil, ErrSecret
	}
	key, cipher, err := parsed.(*packet.SymmetricKeyEncrypted).Decrypt(password)
	if err != nil {
		return nil, ErrSecret
	}
	defer clear(key)
	if m.data.Contents[0] == 1 && !isAES(uint8(cipher)) {
		return nil, ErrSecret
	}
	if parsed, err = m.data.Parse(); err != nil {
		return nil, ErrSecret
	}
	r, err := parsed.(*packet.SymmetricallyEncrypted).Decrypt(cipher, key)
	if err != nil {
		return nil, ErrSecret
	}
	opened, err := io.ReadAll(r)
	if err == nil {
		err = r.Close() // compares the hash, or the last tag
	}
	if err != nil {
		clear(opened)
		return nil, ErrSecret
	}
	return opened, nil
}

// literal returns the data of the only literal packet in an opened message. The
// packet may be compressed once, as GnuPG does.
func literal(opened []byte) ([]byte, error) {
	p, err := only(opened)
	if err != nil {
		return nil, err
	}
	if p.Tag == tagCompressed {
		b, err := decompress(p)
		if err != nil {
			return nil, err
		}
		defer clear(b)
		if p, err = only(b); err != nil {
			return nil, err
		}
	}
	if p.Tag != tagLiteral {
		return nil, ErrMalformed
	}
	s := cryptobyte.String(p.Contents)
	var format uint8
	var name cryptobyte.String
	var date uint32
	if !s.ReadUint8(&format) || !s.ReadUint8LengthPrefixed(&name) || !s.ReadUint32(&date) || format != 'b' {
		return nil, ErrMalformed
	}
	if len(s) > maxPlaintext {
		return nil, errTooLarge
	}
	return bytes.Clone(s), nil
}

func only(b []byte) (*packet.OpaquePacket, error) {
	packets, err := split(b)
	if err != nil {
		return nil, err
	}
	if len(packets) != 1 {
		return nil, ErrMalformed
	}
	return packets[0], nil
}

func decompress(p *packet.OpaquePacket) ([]byte, error) {
	const limit = maxPlaintext + 1<<10 // with the headers of the packet
	parsed, err := p.Parse()
	if err != nil {
		return nil, readError(err)
	}
	compressed, ok := parsed.(*packet.Compressed)
	if !ok {
		return nil, ErrMalformed
	}
	b, err := io.ReadAll(io.LimitReader(compressed.Body, limit+1))
	if len(b) > limit {
		clear(b)
		return nil, errTooLarge
	}
	if err != nil {
		clear(b)
		return nil, ErrMalformed
	}
	return b, nil
}
