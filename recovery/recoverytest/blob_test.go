package recoverytest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// Blobs that the server, or a removed holder together with the server, hands
// out.

// TestAttack_PlantedDataKey: a removed holder wraps a data key of their own
// under a master key that they knew. It is readable and never current, also
// when it is wrapped again. CloseBefore ends it.
func TestAttack_PlantedDataKey(t *testing.T) {
	v := victim(t)
	words := v.ways["phrase"].(recovery.Sealer)
	rings := []*recovery.Keyring{open(t, v.headers[3], v.someWay(), v.seen[3]), open(t, v.latest(), v.someWay(), v.latestSeen())}
	rings = append(rings, must(rings[1].RotateLineage(t.Context(), words)).Stored())
	for e := uint32(1); e <= 2; e++ {
		planted := must(v.goneKnew.Blob([]byte("a key of theirs"), note, e, e))
		for _, k := range rings {
			requireOld(t, k, planted)
			again := must(k.Rewrap(planted, note))
			require.Equal(t, k.Epoch(), must(recovery.BlobEpoch(again)))
			requireOld(t, k, again)
			requireOld(t, k, must(k.Rewrap(again, note)))

			closed := edit(t, k, func(edit *recovery.Edit) error { return edit.CloseBefore(e + 1) })
			requireClosed(t, closed, planted)
			requireOld(t, closed, again)
			// A lineage that is new closes nothing, and opens nothing again.
			requireClosed(t, must(closed.RotateLineage(t.Context(), words)).Stored(), planted)
			requireClosed(t, rotate(t, closed), planted)
			requireOld(t, rotate(t, closed), again)
			requireClosed(t, edit(t, rotate(t, closed), func(edit *recovery.Edit) error { return edit.CloseBefore(k.Epoch() + 1) }), again)
		}
	}
}

// requireOld: the secret can be read, and is not current.
func requireOld(t testing.TB, k *recovery.Keyring, blob []byte) {
	t.Helper()
	secret, err := k.Unwrap(blob, note)
	require.Nil(t, secret)
	requireIs(t, recovery.ErrOldKey, err)
	secret, err = k.UnwrapOld(blob, note)
	require.NoError(t, err)
	require.Equal(t, "a key of theirs", string(secret))
}

func requireClosed(t testing.TB, k *recovery.Keyring, blob []byte) {
	t.Helper()
	for _, open := range []func([]byte, wrap.Binding) ([]byte, error){k.Unwrap, k.UnwrapOld, k.Rewrap} {
		out, err := open(blob, note)
		require.Nil(t, out)
		requireIs(t, recovery.ErrEpochClosed, err)
	}
}

// claim writes an epoch and an origin on a blob.
func claim(blob []byte, epoch, origin uint32) []byte {
	blob = bytes.Clone(blob)
	binary.BigEndian.PutUint32(blob[2:], epoch)
	binary.BigEndian.PutUint32(blob[6:], origin)
	return blob
}

// TestAttack_ForgedBlobs: every epoch and origin that a removed holder can wrap
// with and that a blob can claim. Nothing of it is current. Only what claims
// the truth can be read.
func TestAttack_ForgedBlobs(t *testing.T) {
	v := victim(t)
	const now = 4
	k := open(t, v.latest(), v.someWay(), v.latestSeen())
	numbers := []uint32{0, 1, 2, 3, now, now + 1, 1 << 31, 1<<32 - 1}
	for wrapped := uint32(1); wrapped <= 2; wrapped++ {
		for _, wrappedOrigin := range numbers {
			made := must(v.goneKnew.Blob([]byte("a key of theirs"), note, wrapped, wrappedOrigin))
			for _, epoch := range numbers {
				for _, origin := range numbers {
					blob, what := claim(made, epoch, origin), fmt.Sprint(wrapped, wrappedOrigin, epoch, origin)
					secret, err := k.Unwrap(blob, note)
					require.Nil(t, secret, what)
					again, errAgain := k.Rewrap(blob, note)
					secret, errOld := k.UnwrapOld(blob, note)
					_, errEpoch := recovery.BlobEpoch(blob)
					var want, wantOld error
					switch {
					case origin == 0 || origin > epoch:
						want, wantOld = recovery.ErrMalformed, recovery.ErrMalformed
					case epoch > now:
						want, wantOld = recovery.ErrRollback, recovery.ErrRollback
					case origin != now:
						want = recovery.ErrOldKey
						if epoch != wrapped || origin != wrappedOrigin {
							wantOld = recovery.ErrUntrusted
						}
					default:
						want, wantOld = recovery.ErrUntrusted, recovery.ErrUntrusted
					}
					requireIs(t, want, err, what)
					require.Equal(t, wantOld, sentinel(errOld), what)
					require.Equal(t, wantOld, sentinel(errAgain), what)
					require.Equal(t, want == recovery.ErrMalformed, errEpoch != nil, what)
					if wantOld != nil {
						require.Nil(t, secret, what)
						require.Nil(t, again, what)
						continue
					}
					require.Equal(t, origin, binary.BigEndian.Uint32(again[6:]), what)
					requireOld(t, k, again)
				}
			}
		}
	}
	// Genuine blobs of every age with every claim.
	old := must(k.Rewrap(v.blobs[1], note))
	for _, genuine := range [][]byte{v.blobs[1], v.blobs[2], v.blobs[3], v.blobs[4], old} {
		for _, epoch := range numbers {
			for _, origin := range numbers {
				blob := claim(genuine, epoch, origin)
				if bytes.Equal(blob, genuine) {
					continue
				}
				for _, open := range []func([]byte, wrap.Binding) ([]byte, error){k.Unwrap, k.UnwrapOld, k.Rewrap} {
					out, err := open(blob, note)
					require.Nil(t, out)
					require.Contains(t, []error{recovery.ErrMalformed, recovery.ErrRollback, recovery.ErrOldKey, recovery.ErrUntrusted}, sentinel(err))
				}
			}
		}
	}
}

// TestAttack_AlteredBlob: every bit of a blob counts, and its length.
func TestAttack_AlteredBlob(t *testing.T) {
	v, twin := victimAndTwin(t)
	k := open(t, v.latest(), v.someWay(), v.latestSeen())
	genuine := must(k.Rewrap(v.blobs[2], note))
	for i, altered := range testvec.BitFlips(genuine) {
		for what, open := range map[string]func([]byte, wrap.Binding) ([]byte, error){"Unwrap": k.Unwrap, "UnwrapOld": k.UnwrapOld, "Rewrap": k.Rewrap} {
			out, err := open(altered, note)
			require.Nil(t, out)
			want := []error{recovery.ErrUntrusted}
			switch at := i / 8; {
			case at < 2:
				want = []error{recovery.ErrMalformed}
			case at < 10:
				want = []error{recovery.ErrMalformed, recovery.ErrRollback, recovery.ErrUntrusted}
			}
			if what == "Unwrap" && i >= 16 {
				want = append(want, recovery.ErrOldKey)
			}
			require.Contains(t, want, sentinel(err), "%s, bit %d", what, i)
		}
	}
	current := must(k.Wrap(random(48), note))
	for i, altered := range testvec.BitFlips(current) {
		secret, err := k.Unwrap(altered, note)
		require.Nil(t, secret)
		require.Error(t, err, "bit %d", i)
	}
	for altered := range testvec.Lengths(current) {
		for _, open := range []func([]byte, wrap.Binding) ([]byte, error){k.Unwrap, k.UnwrapOld, k.Rewrap} {
			out, err := open(altered, note)
			require.Nil(t, out)
			require.Contains(t, []error{recovery.ErrMalformed, recovery.ErrUntrusted}, sentinel(err))
		}
	}
	// A blob in another place, of another purpose, account or epoch.
	for what, b := range map[string]wrap.Binding{
		"another item":    {Purpose: note.Purpose, Item: []byte("another note")},
		"no item":         {Purpose: note.Purpose},
		"another purpose": {Purpose: "example.org/note/v2", Item: note.Item},
		"moved":           {Purpose: note.Purpose + "a", Item: note.Item[1:]},
	} {
		for _, blob := range v.blobs {
			_, err := k.UnwrapOld(blob, b)
			requireIs(t, recovery.ErrUntrusted, err, what)
		}
	}
	for _, blob := range twin.blobs {
		_, err := k.UnwrapOld(blob, note)
		requireIs(t, recovery.ErrUntrusted, err, "of another account")
	}
	for e, blob := range v.blobs {
		for f := range v.blobs {
			_, err := k.UnwrapOld(claim(blob, f, min(e, f)), note)
			require.Equal(t, e == f, err == nil)
		}
	}
	// Wraps of the header are no blobs, and blobs are not the header's.
	for _, entry := range split(t, v.latest()).History {
		_, err := k.UnwrapOld(append([]byte{'W', 1, 0, 0, 0, 2, 0, 0, 0, 2}, entry...), wrap.Binding{Purpose: "example.org/x"})
		requireIs(t, recovery.ErrUntrusted, err)
	}
}

// TestAttack_BindingsOfTheCaller: a caller cannot choose account, epoch or a
// purpose of this module, so it cannot be made to wrap or open the header's own
// keys.
func TestAttack_BindingsOfTheCaller(t *testing.T) {
	k := create(t, phrase())
	blob := must(k.Wrap([]byte("x"), note))
	account := k.Account()
	for what, b := range map[string]wrap.Binding{
		"an account":   {Purpose: note.Purpose, Account: account[:]},
		"an epoch":     {Purpose: note.Purpose, Epoch: 1},
		"a master key": {Purpose: "nescio/slot/mk/v1"},
		"the history":  {Purpose: "nescio/history/v1"},
		"another":      {Purpose: "nescio/"},
		"no purpose":   {},
		"too long":     {Purpose: strings.Repeat("a", 256)},
		"a long item":  {Purpose: note.Purpose, Item: make([]byte, 1<<16)},
	} {
		_, _, err := k.Generate(b)
		require.ErrorIs(t, err, recovery.ErrPolicy, what)
		_, err = k.Wrap([]byte("x"), b)
		require.ErrorIs(t, err, recovery.ErrPolicy, what)
		for _, open := range []func([]byte, wrap.Binding) ([]byte, error){k.Unwrap, k.UnwrapOld, k.Rewrap} {
			_, err := open(blob, b)
			require.ErrorIs(t, err, recovery.ErrPolicy, what)
		}
	}
	for _, secret := range [][]byte{nil, {}, make([]byte, 64<<10+1)} {
		_, err := k.Wrap(secret, note)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	require.Len(t, must(k.Wrap(make([]byte, 64<<10), note)), 64<<10+84)
}

// TestAttack_OldBlobsAreRefusedByTheServer: what a removed device still sends
// has an older epoch than the stored header, which a server sees without a key.
func TestAttack_OldBlobsAreRefusedByTheServer(t *testing.T) {
	v := victim(t)
	for e := uint32(1); e <= 2; e++ {
		for origin := uint32(1); origin <= e; origin++ {
			epoch, err := recovery.BlobEpoch(must(v.goneKnew.Blob([]byte("late"), note, e, origin)))
			require.NoError(t, err)
			require.Equal(t, e, epoch)
			require.Less(t, epoch, parse(t, v.headers[3]).Epoch())
		}
	}
	require.Equal(t, []uint32{1, 2, 3, 4}, func() (all []uint32) {
		for _, b := range v.blobs {
			all = append(all, must(recovery.BlobEpoch(b)))
		}
		slices.Sort(all)
		return all
	}())
}

// TestAttack_EmptyBlob: a blob of no secret is malformed.
func TestAttack_EmptyBlob(t *testing.T) {
	k := create(t, phrase())
	blob := must(k.Wrap([]byte("x"), note))
	require.Len(t, blob, 85)
	for n := range blob {
		_, err := recovery.BlobEpoch(blob[:n])
		requireIs(t, recovery.ErrMalformed, err, "%d bytes", n)
		_, err = k.UnwrapOld(blob[:n], note)
		requireIs(t, recovery.ErrMalformed, err, "%d bytes", n)
	}
}
