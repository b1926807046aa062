package proton

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// KeyError describes a key of a file that cannot be used.
type KeyError struct {
	// Index is the position in the file, from 0.
	Index int
	// Fingerprint is the primary key's fingerprint, nil if it cannot be
	// computed. It proves nothing.
	Fingerprint []byte
	// Err is [ErrKey], [ErrUnsupported], [ErrPolicy] or [ErrMalformed].
	Err error
}

// Error returns the fingerprint or the index, and the reason.
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

// SkippedKeysError names the keys that [OpenFile] skipped. [OpenFile] also
// returns at least one key.
type SkippedKeysError struct {
	// Keys is in the order of the file.
	Keys []*KeyError
}

// Error lists the skipped keys and the reasons.
func (e *SkippedKeysError) Error() string {
	return "proton: skipped keys of the file: " + listKeys(e.Keys)
}

// Unwrap returns the elements of Keys.
func (e *SkippedKeysError) Unwrap() []error { return unwrapKeys(e.Keys) }

// fileError is the error for a file of which OpenFile returns no key although
// it has read them. It is not a SkippedKeysError because a caller may ignore
// that one and use the keys.
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
