package sjcl

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
)

// The errors of this package, to be told apart by errors.Is: some come with a
// constant text that says more. None of them holds input.
var (
	// ErrMalformed means text that is no such message: not a JSON object, too
	// long, or with a field that is missing, unknown, twice there, of another
	// type or outside its range. Parse returns it.
	ErrMalformed = errors.New("sjcl: malformed message")
	// ErrUnsupported means a mode other than GCM, a cipher other than AES, or a
	// version other than 1. Parse returns it.
	ErrUnsupported = errors.New("sjcl: unsupported mode, cipher or version")
	// ErrShortTag means a tag of less than 128 bits, before the key was looked
	// at. Message.Open returns it.
	ErrShortTag = errors.New("sjcl: tag shorter than 128 bits")
	// ErrKey means a key that does not have 16, 24 or 32 bytes. Message.Open and
	// Message.OpenShortTag return it.
	ErrKey = errors.New("sjcl: key of impossible length")
	// ErrOpen means a wrong key, so perhaps another password, salt or number of
	// iterations, or an altered message, and does not tell them apart.
	// Message.Open and Message.OpenShortTag return it.
	ErrOpen = errors.New("sjcl: wrong key or altered message")
)

func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

func unsupported(reason string) error { return fmt.Errorf("%w: %s", ErrUnsupported, reason) }

var (
	errLong   = malformed("it has more than 16 MiB")
	errObject = malformed("it is not one JSON object")
	errEscape = malformed("SJCL writes no escapes")
	errField  = malformed("a field is unknown, repeated, or not of its type")
	errAbsent = malformed("a field is missing")
	errIV     = malformed("an IV has 12 or 16 bytes")
	errIter   = malformed("iter is 1 or more")
	errKS     = malformed("ks is 128, 192 or 256")
	errTS     = malformed("ts is 64, 96 or 128")
	errSalt   = malformed("a salt has up to 64 bytes")
	errCT     = malformed("ct is shorter than its tag")

	errVersion = unsupported("v is not 1")
	errMode    = unsupported("mode is not gcm")
	errCipher  = unsupported("cipher is not aes")
)

const fullTag = 16 // bytes

// Message is an encrypted message, from Parse. It is immutable and safe for
// concurrent use.
type Message struct {
	iv      []byte
	adata   []byte
	ct      []byte // ciphertext and tag
	tagSize int    // bytes
}

// TagBits returns the length of the tag: 64, 96 or 128 bits. It is what the
// message says, and the tag does not cover it: who can change a message can cut
// its tag to 64 bits, and OpenShortTag still opens it.
func (m *Message) TagBits() int { return 8 * m.tagSize }

// AData returns a copy of the data that came with the ciphertext unencrypted.
// It is authenticated only once the message has been opened.
func (m *Message) AData() []byte { return bytes.Clone(m.adata) }

// Open returns the plaintext of a message with a tag of 128 bits, under an AES
// key of 16, 24 or 32 bytes. The plaintext of an empty message is not nil.
//
// It returns ErrShortTag for other messages, ErrKey, or ErrOpen.
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

// OpenShortTag is Open for messages with tags of 64, 96 or 128 bits. It returns
// ErrKey or ErrOpen.
//
// A tag of t bits does not make a forgery as unlikely as 1 in 2^t. For a message
// and its adata of n blocks of 16 bytes it is up to n in 2^t at each try, and a
// forgery that was accepted tells something of the key of GCM's hash, so that
// the next ones come sooner. NIST SP 800-38D, Appendix C, allows tags of 64 bits
// only where the tries under one key are counted: 2^32 of them if messages have
// up to 2 KiB, 2^17 if up to 2 MiB. Nothing here counts. Use it for data that
// the owner takes over once, never where a stranger may try one message after
// another, and not at all where all messages have tags of 128 bits.
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
	if err != nil { // in FIPS 140-only mode, and for the zero Message
		return nil, fmt.Errorf("sjcl: %w", err)
	}
	return aead, nil
}

// openTruncated is NIST SP 800-38D, Algorithm 5 with t = 8 tagSize. The standard
// library decrypts under tags of 96 bits or more only, and those only with IVs
// of 12 bytes, so it is built on encryption, whose tag can be cut to any length.
func openTruncated(aead cipher.AEAD, iv, ct, adata []byte, tagSize int) ([]byte, error) {
	n := len(ct) - tagSize
	// Counter mode is its own inverse: to encrypt the ciphertext decrypts it.
	plaintext := aead.Seal(nil, iv, ct[:n], nil)
	// The tag that comes with it belongs to no message. Together with the right
	// one it gives away the key of the hash, so it must not stay behind the
	// plaintext, where the caller's append or reslice finds it.
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
