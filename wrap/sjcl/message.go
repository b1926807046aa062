package sjcl

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
)

// Compare errors with [errors.Is]: some contain a reason. None contains input.
var (
	// ErrMalformed means text that FORMAT.md does not allow.
	ErrMalformed = errors.New("sjcl: malformed message")
	// ErrUnsupported means a mode other than GCM, a cipher other than AES, or a
	// version other than 1.
	ErrUnsupported = errors.New("sjcl: unsupported mode, cipher or version")
	// ErrShortTag means a tag shorter than 128 bits.
	ErrShortTag = errors.New("sjcl: tag shorter than 128 bits")
	// ErrKey means a key that is not 16, 24 or 32 bytes long.
	ErrKey = errors.New("sjcl: invalid key length")
	// ErrOpen means a wrong key or an altered message.
	ErrOpen = errors.New("sjcl: wrong key or altered message")
)

func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

func unsupported(reason string) error { return fmt.Errorf("%w: %s", ErrUnsupported, reason) }

var (
	errLong   = malformed("longer than 16 MiB")
	errObject = malformed("not a single JSON object")
	errEscape = malformed("string escape other than \\/")
	errField  = malformed("a field is unknown, repeated or has the wrong type")
	errAbsent = malformed("a field is missing")
	errIV     = malformed("the IV must be 12 or 16 bytes long")
	errIter   = malformed("iter must be at least 1")
	errKS     = malformed("ks must be 128, 192 or 256")
	errTS     = malformed("ts must be 64, 96 or 128")
	errSalt   = malformed("the salt must be at most 64 bytes long")
	errCT     = malformed("ct is shorter than its tag")

	errVersion = unsupported("v is not 1")
	errMode    = unsupported("mode is not gcm")
	errCipher  = unsupported("cipher is not aes")
)

const fullTag = 16 // bytes

// Message is an encrypted message. Use [Parse]. It is immutable and safe for
// concurrent use.
type Message struct {
	iv      []byte
	adata   []byte
	ct      []byte // ciphertext and tag
	tagSize int    // bytes
}

// TagBits returns 64, 96 or 128. The tag does not authenticate its length: an
// attacker can cut it to 64 bits, and [Message.OpenShortTag] still accepts it.
func (m *Message) TagBits() int { return 8 * m.tagSize }

// AData returns a copy of the additional data. It is not encrypted, and not
// authenticated until the message is opened.
func (m *Message) AData() []byte { return bytes.Clone(m.adata) }

// Open returns the plaintext of a message with a tag of 128 bits. The key is
// 16, 24 or 32 bytes. It returns [ErrShortTag], [ErrKey] or [ErrOpen].
func (m *Message) Open(key []byte) (plaintext []byte, err error) {
	if m.tagSize != fullTag {
		return nil, ErrShortTag
	}
	aead, err := m.newGCM(key)
	if err != nil {
		return nil, err
	}
	plaintext, err = aead.Open([]byte{}, m.iv, m.ct, m.adata)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// OpenShortTag is [Message.Open] for tags of 64, 96 or 128 bits. It returns
// [ErrKey] or [ErrOpen].
//
// An attempt to forge n blocks of 16 bytes, additional data included, succeeds
// with a probability of up to n in 2^t for a tag of t bits. A success makes the
// next one easier, because it reveals part of GCM's hash key. For tags of 64
// bits, NIST SP 800-38D, Appendix C, limits the attempts under a key to 2^32
// for messages of up to 2 KiB, and to 2^17 for 2 MiB. This package does not
// count attempts.
//
// Use OpenShortTag for data that its owner imports once. Do not use it where a
// stranger can submit messages, or if all messages have tags of 128 bits.
func (m *Message) OpenShortTag(key []byte) (plaintext []byte, err error) {
	aead, err := m.newGCM(key)
	if err != nil {
		return nil, err
	}
	return openTruncated(aead, m.iv, m.ct, m.adata, m.tagSize)
}

func (m *Message) newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrKey
	}
	aead, err := cipher.NewGCMWithNonceSize(block, len(m.iv))
	if err != nil { // FIPS 140-only mode, or the zero Message
		return nil, fmt.Errorf("sjcl: %w", err)
	}
	return aead, nil
}

// openTruncated is NIST SP 800-38D, Algorithm 5 with t = 8 tagSize. The
// standard library decrypts only with tags of 96 bits or more, and those only
// with IVs of 12 bytes. Its encryption has no such limit, and the tag it
// returns can be cut.
func openTruncated(aead cipher.AEAD, iv, ct, adata []byte, tagSize int) ([]byte, error) {
	n := len(ct) - tagSize
	// Counter mode is its own inverse: encrypting the ciphertext decrypts it.
	plaintext := aead.Seal(nil, iv, ct[:n], nil)
	// The tag behind it belongs to no message. Together with the right tag it
	// reveals the key of GCM's hash. It must not stay behind the plaintext,
	// where the caller's append or reslice would find it.
	clear(plaintext[n:])
	plaintext = plaintext[:n:n]

	sealed := aead.Seal(nil, iv, plaintext, adata)
	defer clear(sealed)
	if subtle.ConstantTimeCompare(sealed[n:n+tagSize], ct[n:]) != 1 {
		clear(plaintext)
		return nil, ErrOpen
	}
	return plaintext, nil
}
