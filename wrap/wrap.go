// Package wrap protects keys by keys. A wrapped key opens under one key only,
// and only for the purpose, account, slot and generation that it was made for:
// moved anywhere else it does not open.
//
// Sources: RFC 2104 and RFC 5869 for HMAC and HKDF, NIST SP 800-38D for AES-GCM,
// RFC 8439 for ChaCha20-Poly1305 and draft-irtf-cfrg-xchacha for its nonce of 24
// bytes. The envelope around them is this package's own.
//
// # Where to start
//
// A key-encryption key is a [Key], from [NewKey], [DeriveKey] or [ImportKey].
// [Key.Wrap] and [Key.Unwrap] need a [Binding] each:
//
//	kek, err := wrap.DeriveKey(secret, nil, "example.org/kek/v1") // of a password hash
//	blob, err := kek.Wrap(ctx, dataKey, binding)                  // store it anywhere
//	dataKey, err := kek.Unwrap(ctx, blob, binding)
//
// [Rewrap] moves a blob to another key. [Double] puts a middle key between, so
// that the outer one can change without touching the secret's own blob. [Wrapper]
// is what a key service or an HSM implements in the place of a Key.
//
// Who still has an old blob and its key opens it, whatever was wrapped anew in the
// meantime. Once a key may have leaked, so may what it wraps: draw a new data key
// and encrypt the data again.
//
// # Format
//
// Version 1 of the format, all of it authenticated:
//
//	offset  bytes
//	0       1      version 0x01
//	1       1      suite   0x01 XChaCha20-Poly1305 | 0x02 AES-256-GCM
//	2       24     nonce
//	26      32     commitment
//	58      n      ciphertext, as long as the secret
//	58+n    16     tag
//
// ‖ joins, numbers are big-endian, and ctx is the binding ([Binding.MarshalBinary]):
//
//	nonce      = HMAC-SHA256(Kn, suite ‖ 32 random bytes ‖ u32 len(ctx) ‖ ctx ‖ secret)[:24]
//	Kn         = HKDF-SHA256(key, "", "keywrap/v1" ‖ 00 ‖ "nonce", 32)
//	okm        = HKDF-SHA256(key, nonce, "keywrap/v1" ‖ 00 ‖ version ‖ suite ‖ u32 len(ctx) ‖ ctx, 64)
//	cipher key = okm[:32], commitment = okm[32:]
//	ctx        = 01 ‖ u8 len ‖ purpose ‖ u16 len ‖ account ‖ u16 len ‖ item ‖ u64 epoch
//
// The cipher's nonce is the 24 bytes, with AES-256-GCM twelve zeros, as its key is
// used once. Its additional data is all that stands before the ciphertext.
//
// Plain XChaCha20-Poly1305 and AES-GCM do not commit to their key: a ciphertext
// can be made that opens under two, which turns an honest recipient into an
// oracle. The commitment, compared before anything is decrypted, rules it out.
// The nonce is derived from the secret as well as from randomness, so that a
// random source that fails repeats no nonce for another secret.
//
// # Limits
//
// Secrets have up to 64 KiB: wrap a data key, not a file. A wrap hides neither
// the length of its secret nor that two wraps are of one age. Nothing here
// stretches passwords: that is for a password hash, before [DeriveKey].
//
// A wrong password, a damaged blob and one that belongs elsewhere have one error,
// since whoever could tell them apart might be the attacker. A user who must be
// told of damage needs a checksum of the blob beside it; it says what to tell them
// and nothing else, as a forger makes a new one.
//
// Comparisons of secrets take constant time, and so do the ciphers on machines
// with AES instructions; elsewhere prefer the first suite. The format is fixed
// by its version byte: what this version wrote, every later one opens.
//
// In the standard library's FIPS 140-only mode neither suite works: Wrap and
// Unwrap return its error.
package wrap

import (
	"context"
	"errors"
)

const (
	// Overhead is how many bytes a wrapped secret is longer than the secret.
	Overhead = headerSize + tagSize
	// MaxSecret is the longest secret that can be wrapped, in bytes.
	MaxSecret = 64 << 10
	// KeySize is the size of a key-encryption key in bytes.
	KeySize = 32
)

var (
	// ErrOpen is the one answer of Unwrap to whatever does not open: another
	// key, another binding, an altered or truncated blob, an unknown version
	// or suite.
	ErrOpen = errors.New("wrap: cannot open")
	// ErrBinding is returned for a Binding whose fields are out of range.
	ErrBinding = errors.New("wrap: binding out of range")
	// ErrSecret is returned by Wrap for an empty secret and one of more than
	// MaxSecret bytes, and by DeriveKey for a secret of less than 16 bytes.
	ErrSecret = errors.New("wrap: secret of impossible length")
	// ErrSuite is returned by Key.WithSuite for a suite that does not exist.
	ErrSuite = errors.New("wrap: unknown suite")
	// ErrDestroyed is returned by the methods of a Key after Destroy, and of the
	// zero Key.
	ErrDestroyed = errors.New("wrap: key destroyed")
)

// Wrapper wraps and unwraps secrets under a key that it alone knows: a [Key],
// a key service, an HSM. It must authenticate the binding (see
// [Binding.MarshalBinary]), return ErrOpen for whatever does not open, and be
// safe for concurrent use. Wrap must not keep the secret, which its caller may
// clear; what Unwrap returns is the caller's.
type Wrapper interface {
	Wrap(ctx context.Context, secret []byte, b Binding) (blob []byte, err error)
	Unwrap(ctx context.Context, blob []byte, b Binding) (secret []byte, err error)
}

// Double wraps the secret under a new middle key, and the middle key under
// outer, both for the same binding. Whoever has both blobs and outer opens it,
// by [OpenDouble]. The outer key can change, by [Rewrap] of wrappedKey, or there
// can be several, without wrapping the secret anew. Outer must wrap nothing else
// for that binding, or one could stand in the other's place: whoever moves from Wrap
// to Double takes another Purpose.
func Double(ctx context.Context, outer Wrapper, b Binding, secret []byte) (wrappedKey, wrappedSecret []byte, err error) {
	middle := NewKey()
	defer middle.Destroy()
	wrappedSecret, err = middle.Wrap(ctx, secret, b)
	if err != nil {
		return nil, nil, err
	}
	key, err := middle.bytes()
	if err != nil {
		return nil, nil, err
	}
	defer clear(key[:])
	wrappedKey, err = outer.Wrap(ctx, key[:], b)
	if err != nil {
		return nil, nil, err
	}
	return wrappedKey, wrappedSecret, nil
}

// Rewrap opens a blob with one key and returns its secret wrapped under another
// key, for another binding. Typical uses are a new password or a new device, with
// the binding's Epoch one higher. The secret does not change. The old blob still
// opens under the old key, for the old binding. Rewrap returns [ErrOpen] if the
// blob does not open, or the error of from or to.
func Rewrap(ctx context.Context, from Wrapper, oldBinding Binding, to Wrapper, newBinding Binding, blob []byte) ([]byte, error) {
	secret, err := from.Unwrap(ctx, blob, oldBinding)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return to.Wrap(ctx, secret, newBinding)
}

// OpenDouble returns the secret of [Double]. It returns ErrOpen if one of the
// two does not open, or the error of outer.
func OpenDouble(ctx context.Context, outer Wrapper, b Binding, wrappedKey, wrappedSecret []byte) ([]byte, error) {
	key, err := outer.Unwrap(ctx, wrappedKey, b)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if len(key) != KeySize {
		return nil, ErrOpen
	}
	middle := ImportKey([KeySize]byte(key))
	defer middle.Destroy()
	return middle.Unwrap(ctx, wrappedSecret, b)
}
