package proton

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// KeyError describes a key of a recovery file that cannot be used. Its text
// contains the fingerprint and a constant reason.
type KeyError struct {
	// Index is the position of the key in the file. The first key has index 0.
	Index int
	// Fingerprint is the fingerprint of the primary key, 20 bytes in version 4
	// and 32 bytes in version 6. It is nil if the public part is incomplete, the
	// version is unknown, or the algorithm is unknown in version 4. It proves
	// nothing: the author of a file can put any public part into the file.
	Fingerprint []byte
	// Err is the reason: [ErrKey], [ErrUnsupported], [ErrPolicy] or
	// [ErrMalformed], possibly with more text.
	Err error
}

// Error returns the fingerprint, or the index if there is none, and the reason.
func (e *KeyError) Error() string { return "proton: " + e.text() }

// Unwrap returns the reason.
func (e *KeyError) Unwrap() error { return e.Err }

func (e *KeyError) text() string {
	reason := strings.TrimPrefix(e.Err.Error(), "proton: ")
	if e.Fingerprint == nil {
		return fmt.Sprintf("key at index %d: %s", e.Index, reason)
	}
	return fmt.Sprintf("key %s: %s", hex.EncodeToString(e.Fingerprint), reason)
}

// SkippedKeysError names the keys that [OpenFile] skipped. OpenFile returns it
// only together with at least one key. [errors.Is] and [errors.As] also look at
// each [KeyError] and its reason.
type SkippedKeysError struct {
	// Keys contains at least one key, in the order of the file.
	Keys []*KeyError
}

// Error lists the skipped keys and the reasons.
func (e *SkippedKeysError) Error() string {
	return "proton: skipped keys of the file: " + listKeys(e.Keys)
}

// Unwrap returns the elements of Keys.
func (e *SkippedKeysError) Unwrap() []error { return unwrapKeys(e.Keys) }

// fileError is the error for a file of which OpenFile returns no key although it
// has read them. It is not a SkippedKeysError because a caller may ignore that
// one and use the keys.
type fileError struct {
	err  error // nil, or the error of the file as a whole
	text string
	keys []*KeyError
}

func noUsableKey(keys []*KeyError) error {
	return &fileError{nil, "proton: no usable key in the file", keys}
}

// notSigned is ErrSignature for a file with skipped keys, one of which may have
// signed.
func notSigned(keys []*KeyError) error {
	if len(keys) == 0 {
		return ErrSignature
	}
	return &fileError{ErrSignature, ErrSignature.Error() + ", not counting keys that cannot be used", keys}
}

func (e *fileError) Error() string { return e.text + ": " + listKeys(e.keys) }

func (e *fileError) Unwrap() []error {
	errs := unwrapKeys(e.keys)
	if e.err != nil {
		errs = append(errs, e.err)
	}
	return errs
}

func unwrapKeys(keys []*KeyError) []error {
	errs := make([]error, len(keys))
	for i, k := range keys {
		errs[i] = k
	}
	return errs
}

func listKeys(keys []*KeyError) string {
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = k.text()
	}
	return strings.Join(texts, "; ")
}
