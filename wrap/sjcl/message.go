package sjcl

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
)

// Compare errors with [errors.Is]: some of them carry a reason, which is
// constant text. No error contains input.
var (
	// ErrMalformed means text that is not an SJCL message: not a JSON object,
	// too long, or with a field that is missing, unknown, repeated, of another
	// type or out of range. [Parse] returns it.
	ErrMalformed = errors.New("sjcl: malformed message")
	// ErrUnsupported means a mode other than GCM, a cipher other than AES, or a
	// version other than 1. [Parse] returns it.
	ErrUnsupported = errors.New("sjcl: unsupported mode, cipher or version")
	// ErrShortTag means a tag shorter than 128 bits. [Message.Open] returns it
	// before it uses the key.
	ErrShortTag = errors.New("sjcl: tag shorter than 128 bits")
	// ErrKey means a key that is not 16, 24 or 32 bytes long. [Message.Open]
	// and [Message.OpenShortTag] return it.
	ErrKey = errors.New("sjcl: invalid length of a key")
	// ErrOpen means a wrong key or an altered message. A wrong password, salt
	// or number of iterations gives a wrong key. [Message.Open] and
	// [Message.OpenShortTag] return it.
	ErrOpen = errors.New("sjcl: wrong key or altered message")
)

func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

func unsupported(reason string) error { return fmt.Errorf("%w: %s", ErrUnsupported, reason) }

var (
	errLong   = malformed("longer than 16 MiB")
	errObject = malformed("not one JSON object")
	errEscape = malformed("an escape other than \\/")
	errField  = malformed("a field is unknown, repeated or of another type")
	errAbsent = malformed("a field is missing")
	errIV     = malformed("the IV must be 12 or 16 bytes long")
	errIter   = malformed("iter must be at least 1")
	errKS     = malformed("ks must be 128, 192 or 256")
	errTS     = malformed("ts must be 64, 96 or 128")
	errSalt   = malformed("the salt is longer than 64 bytes")
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

// TagBits returns the length of the tag in bits: 64, 96 or 128. The tag does
// not cover its own length: anyone who can change a message can cut its tag to
// 64 bits, and [Message.OpenShortTag] still opens it.
func (m *Message) TagBits() int { return 8 * m.tagSize }

// AData returns a copy of the additional data, which is not encrypted. It is
// authenticated only after the message has been opened.
func (m *Message) AData() []byte { return bytes.Clone(m.adata) }

// Open returns the plaintext of a message with a tag of 128 bits. The key is an
// AES key of 16, 24 or 32 bytes. The plaintext of an empty message is not nil.
// Open returns [ErrShortTag] for a shorter tag, [ErrKey] or [ErrOpen]. It
// compares tags in constant time.
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
// A tag of t bits is weaker than a probability of 1 in 2^t suggests. For a
// message and additional data of n blocks of 16 bytes, each forgery attempt
// succeeds with a probability of up to n in 2^t. An accepted forgery reveals
// something about the key of GCM's hash, so the next forgeries become easier.
// NIST SP 800-38D, Appendix C, allows tags of 64 bits only if the attempts
// under one key are limited: 2^32 if messages are up to 2 KiB long, 2^17 if
// they are up to 2 MiB long. This package does not count attempts. Use
// OpenShortTag for data that its owner imports once. Never use it where a
// stranger can submit one message after another, or where all messages have
// tags of 128 bits.
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
