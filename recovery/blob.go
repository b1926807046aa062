package recovery

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/wrap"
)

// A blob is a wrapped secret: 'W' ‖ 01 ‖ epoch u32 ‖ origin u32 ‖ wrap v1. It
// is wrapped under the key of its epoch. Its origin is the epoch in which the
// secret was first wrapped, and stays the same when the blob is wrapped again.

const (
	blobKind    = 'W'
	blobHead    = 2 + 4 + 4
	maxSecret   = 64 << 10 // of package wrap
	minBlob     = blobHead + wrap.Overhead
	maxBlob     = minBlob + maxSecret
	ownPurposes = "nescio/"
)

// blob is a blob taken apart.
type blob struct {
	epoch, origin uint32
	wrapped       []byte
}

func parseBlob(b []byte) (blob, error) {
	if len(b) <= minBlob || len(b) > maxBlob || b[0] != blobKind || b[1] != version {
		return blob{}, ErrMalformed
	}
	p := blob{binary.BigEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:]), b[blobHead:]}
	if p.origin == 0 || p.origin > p.epoch {
		return blob{}, ErrMalformed
	}
	return p, nil
}

// BlobEpoch returns a blob's epoch.
func BlobEpoch(b []byte) (uint32, error) {
	p, err := parseBlob(b)
	return p.epoch, err
}

// Generate draws a key that may encrypt, and wraps it for b, whose Account and
// Epoch must be empty. [wrap.ImportKey] restores it later. A [wrap.Key] wraps
// at most 64 KiB. To encrypt more with another cipher, pass 32 random bytes to
// [Keyring.Wrap].
func (k *Keyring) Generate(b wrap.Binding) (key *wrap.Key, blob []byte, err error) {
	var secret [wrap.KeySize]byte
	defer clear(secret[:])
	rand.Read(secret[:])
	if blob, err = k.Wrap(secret[:], b); err != nil {
		return nil, nil, err
	}
	return wrap.ImportKey(secret), blob, nil
}

// Wrap wraps another new secret, up to [wrap.MaxSecret]. Never pass one from
// [Keyring.UnwrapOld].
func (k *Keyring) Wrap(secret []byte, b wrap.Binding) ([]byte, error) {
	return k.wrap(secret, b, k.Epoch())
}

// wrap wraps a secret of an origin under the current epoch.
func (k *Keyring) wrap(secret []byte, b wrap.Binding, origin uint32) ([]byte, error) {
	if len(secret) == 0 || len(secret) > maxSecret {
		return nil, errKeyLength
	}
	epoch := k.Epoch()
	b, err := k.bind(b, epoch, origin)
	if err != nil {
		return nil, err
	}
	key, err := k.dataKey(epoch)
	if err != nil {
		return nil, err
	}
	wrapped, err := key.Wrap(context.Background(), secret, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	out := make([]byte, 0, blobHead+len(wrapped))
	out = append(out, blobKind, version)
	out = binary.BigEndian.AppendUint32(out, epoch)
	out = binary.BigEndian.AppendUint32(out, origin)
	return append(out, wrapped...), nil
}

// Unwrap opens a blob whose secret may encrypt. Otherwise it returns
// [ErrOldKey], [ErrEpochClosed], [ErrRollback] or [ErrUntrusted].
func (k *Keyring) Unwrap(blob []byte, b wrap.Binding) ([]byte, error) {
	p, err := k.readable(blob)
	if err != nil {
		return nil, err
	}
	if p.origin != k.Epoch() {
		return nil, ErrOldKey
	}
	return k.unwrap(p, b)
}

// UnwrapOld also returns old secrets. Never encrypt with them. A removed holder
// may know them.
func (k *Keyring) UnwrapOld(blob []byte, b wrap.Binding) ([]byte, error) {
	p, err := k.readable(blob)
	if err != nil {
		return nil, err
	}
	return k.unwrap(p, b)
}

// Rewrap wraps any secret under the current epoch. Its age stays:
// [Keyring.Unwrap] still returns [ErrOldKey] for it.
func (k *Keyring) Rewrap(blob []byte, b wrap.Binding) ([]byte, error) {
	p, err := k.readable(blob)
	if err != nil {
		return nil, err
	}
	secret, err := k.unwrap(p, b)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return k.wrap(secret, b, p.origin)
}

// readable parses a blob and checks its epoch.
func (k *Keyring) readable(b []byte) (blob, error) {
	p, err := parseBlob(b)
	switch {
	case err != nil:
		return blob{}, err
	case p.epoch > k.Epoch():
		return blob{}, errOlderBlob
	case p.epoch < k.Floor():
		return blob{}, ErrEpochClosed
	}
	return p, nil
}

func (k *Keyring) unwrap(p blob, b wrap.Binding) ([]byte, error) {
	b, err := k.bind(b, p.epoch, p.origin)
	if err != nil {
		return nil, err
	}
	key, err := k.dataKey(p.epoch)
	if err != nil {
		return nil, err
	}
	secret, err := key.Unwrap(context.Background(), p.wrapped, b)
	if err != nil {
		return nil, errBlob
	}
	return secret, nil
}

// bind completes a caller's binding.
func (k *Keyring) bind(b wrap.Binding, epoch, origin uint32) (wrap.Binding, error) {
	if len(b.Account) > 0 || b.Epoch != 0 {
		return b, errBinding
	}
	if strings.HasPrefix(b.Purpose, ownPurposes) {
		return b, errPurpose
	}
	account := k.Account()
	b.Account, b.Epoch = account[:], uint64(origin)<<32|uint64(epoch)
	if _, err := b.MarshalBinary(); err != nil {
		return b, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return b, nil
}

// dataKey returns K_e of an epoch from the floor to the current one. The first
// call for an old epoch opens the whole history and keeps its keys.
func (k *Keyring) dataKey(epoch uint32) (*wrap.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	keys := *k.data.Get()
	if keys == nil {
		return nil, errDestroyed
	}
	if key := keys[epoch]; key != nil {
		return key, nil
	}
	if err := k.openHistory(keys); err != nil {
		return nil, err
	}
	return keys[epoch], nil
}

// openHistory derives the data keys of all earlier epochs from the floor on.
func (k *Keyring) openHistory(keys map[uint32]*wrap.Key) error {
	s := k.state()
	master := k.secrets.Get().master
	defer clear(master[:])
	for e := s.epoch - 1; e >= s.floor && e > 0; e-- {
		var err error
		if master, err = unwrapHistory(s.account, e, s.history[e-oldest(s.epoch)], &master); err != nil {
			return err
		}
		if keys[e], err = newDataKey(&master); err != nil {
			return err
		}
	}
	return nil
}
