package recoverytest_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// checkpointFields are the fields of a checkpoint by their offsets.
var checkpointFields = []field{{"kind and version", 0, 0, 2}, {"account", 0, 2, 18}, {"revision", 0, 18, 26}, {"digest", 0, 26, 58},
	{"epoch", 0, 58, 62}, {"floor", 0, 62, 66}, {"mkID", 0, 66, 82}, {"number of slots", 0, 82, 83}, {"slots", 0, 83, 1 << 16}}

func checkpointField(at int) string {
	i := slices.IndexFunc(checkpointFields, func(f field) bool { return f.from <= at && at < f.to })
	return checkpointFields[i].name
}

// TestAttack_AlteredCheckpoint: every bit of a stored checkpoint that changed
// makes it malformed, or refuse the header that it was of, or, for the few
// numbers that may grow, weaker in exactly these.
func TestAttack_AlteredCheckpoint(t *testing.T) {
	v := victim(t)
	genuine := must(v.latestSeen().MarshalBinary())
	only := sample{one: 7}
	for i, altered := range testvec.BitFlips(genuine) {
		if only.skips() {
			continue
		}
		name := checkpointField(i / 8)
		var c recovery.Checkpoint
		if err := c.UnmarshalBinary(altered); err != nil {
			requireIs(t, recovery.ErrMalformed, err)
			require.Zero(t, c)
			continue
		}
		require.Equal(t, altered, must(c.MarshalBinary()))
		for _, way := range []string{"phrase", "device"} {
			err := v.end(t, v.latest(), v.ways[way], c)
			switch name {
			case "account":
				requireIs(t, recovery.ErrOtherAccount, err)
			case "digest", "slots":
				requireIs(t, recovery.ErrFork, err)
			case "mkID":
				requireIs(t, recovery.ErrUntrusted, err)
			case "revision", "epoch", "floor":
				// What is higher refuses. What is lower is that of an older
				// device, whose digest or master key does not fit.
				y := splitCheckpoint(altered)
				if y.revision > 6 || y.epoch > 4 || y.floor > 1 {
					requireIs(t, recovery.ErrRollback, err)
				} else if y.revision == 6 || y.revision == 5 {
					require.Error(t, err, "bit %d", i)
				}
			default:
				t.Errorf("%s: bit %d was accepted", name, i)
			}
		}
	}
	for altered := range testvec.Lengths(genuine) {
		var c recovery.Checkpoint
		requireIs(t, recovery.ErrMalformed, c.UnmarshalBinary(altered))
		require.Zero(t, c)
	}
}

// TestAttack_AlteredUnconfirmed is the same for a checkpoint of both headers.
func TestAttack_AlteredUnconfirmed(t *testing.T) {
	words, lost := phrase(), phrase()
	k := create(t, words, lost)
	d := must(k.Edit(func(e *recovery.Edit) error { return e.Revoke(learn(t, bytesOf(k), lost).Slot) }))
	genuine := must(d.Unconfirmed().MarshalBinary())
	require.Equal(t, slices.Concat([]byte("U\x01"), must(k.Checkpoint().MarshalBinary()), must(d.Checkpoint().MarshalBinary())), genuine)
	only := sample{one: 7}
	for _, altered := range testvec.BitFlips(genuine) {
		if only.skips() {
			continue
		}
		var c recovery.Checkpoint
		if err := c.UnmarshalBinary(altered); err != nil {
			requireIs(t, recovery.ErrMalformed, err)
			require.Zero(t, c)
			continue
		}
		require.Equal(t, altered, must(c.MarshalBinary()))
		for _, h := range []*recovery.Header{k.Header(), d.Header()} {
			got, err := recovery.Open(t.Context(), h, words, c)
			require.Equal(t, err == nil, got != nil)
			if err != nil {
				require.NotNil(t, sentinel(err), err)
			}
		}
	}
	for altered := range testvec.Lengths(genuine) {
		requireIs(t, recovery.ErrMalformed, new(recovery.Checkpoint).UnmarshalBinary(altered))
	}
	// Two accounts, a nested one, two of one kind.
	other := must(create(t, words).Checkpoint().MarshalBinary())
	mine := must(k.Checkpoint().MarshalBinary())
	for _, b := range [][]byte{
		slices.Concat([]byte("U\x01"), mine, other), slices.Concat([]byte("U\x01"), genuine, mine), slices.Concat([]byte("U\x01"), mine, genuine),
		slices.Concat([]byte("U\x01"), mine), slices.Concat([]byte("U\x01")), slices.Concat(mine, mine), slices.Concat([]byte("U\x02"), mine, mine),
	} {
		requireIs(t, recovery.ErrMalformed, new(recovery.Checkpoint).UnmarshalBinary(b))
	}
}

// TestAttack_CheckpointText: the text has one spelling.
func TestAttack_CheckpointText(t *testing.T) {
	c := create(t, phrase()).Checkpoint()
	text := string(must(c.MarshalText()))
	require.Equal(t, base64.StdEncoding.EncodeToString(must(c.MarshalBinary())), text)
	for _, altered := range []string{"", text + "\n", "\n" + text, text[:8] + "\n" + text[8:], text + " ", text[:len(text)-1], text + "=", text + text,
		string(bytes.ToLower([]byte(text)))} {
		var read recovery.Checkpoint
		require.True(t, errors.Is(read.UnmarshalText([]byte(altered)), recovery.ErrMalformed), altered)
		require.Zero(t, read)
	}
	requireIs(t, recovery.ErrMalformed, new(recovery.Checkpoint).UnmarshalText(bytes.Repeat([]byte{'A'}, 1<<20)))
}

// TestAttack_Unconfirmed: while it is not known whether a removal is stored, a
// device accepts what follows from the removal, and exactly the header before.
// It does not accept what a removed holder makes after the header before.
func TestAttack_Unconfirmed(t *testing.T) {
	words, lost := phrase(), phrase()
	k := create(t, words, lost, export(1))
	thief := learn(t, bytesOf(k), lost)
	removal := must(k.Edit(func(e *recovery.Edit) error { return e.Revoke(thief.Slot) }))
	sealed := must(k.Seal(t.Context(), phrase()))
	addition := must(k.Edit(func(e *recovery.Edit) error { return e.Add(sealed) }))

	forgeries := must(thief.Forgeries(bytesOf(k)))
	for what, forged := range must(thief.Forgeries(removal.Header().Bytes())) {
		forgeries["after the removal: "+what] = forged
	}
	// What the thief does with their own keyring, honestly made.
	theirs := open(t, bytesOf(k), lost, k.Checkpoint())
	for what, k := range map[string]*recovery.Keyring{"adds": add(t, theirs, phrase()), "rotates": rotate(t, theirs), "twice": rotate(t, rotate(t, theirs)),
		"revokes": revoke(t, theirs, learn(t, bytesOf(k), export(1)).Slot)} {
		forgeries[what] = bytesOf(k)
	}
	try := func(h []byte, c recovery.Checkpoint) error {
		header, err := recovery.ParseHeader(h)
		if err != nil {
			return err
		}
		_, err = recovery.Open(t.Context(), header, words, c)
		_, followed := k.Follow(header, c)
		require.Equal(t, err == nil, followed == nil, "%v %v", err, followed)
		return err
	}
	for what, forged := range forgeries {
		require.Error(t, try(forged, removal.Unconfirmed()), what)
		require.Error(t, try(forged, removal.Checkpoint()), what)
	}
	for _, honest := range [][]byte{bytesOf(k), removal.Header().Bytes(), bytesOf(rotate(t, removal.Stored())), bytesOf(add(t, removal.Stored(), phrase()))} {
		require.NoError(t, try(honest, removal.Unconfirmed()))
	}
	// An addition removes nothing: then whoever had access may have been
	// quicker.
	for what, k := range map[string]*recovery.Keyring{"the header before": k, "the addition": addition.Stored(), "another change": rotate(t, k),
		"the next": rotate(t, addition.Stored())} {
		require.NoError(t, try(bytesOf(k), addition.Unconfirmed()), what)
	}
	for what, d := range map[string]*recovery.Draft{
		"Replace": must(k.Edit(func(e *recovery.Edit) error { return e.Replace(thief.Slot, sealed) })),
		"lineage": must(k.RotateLineage(t.Context(), words)),
	} {
		require.NoError(t, try(bytesOf(k), d.Unconfirmed()), what)
		require.Error(t, try(bytesOf(rotate(t, theirs)), d.Unconfirmed()), what)
		require.Error(t, try(bytesOf(add(t, theirs, phrase())), d.Unconfirmed()), what)
	}
	// The text of both is the same after it was stored.
	var again recovery.Checkpoint
	require.NoError(t, again.UnmarshalText(must(removal.Unconfirmed().MarshalText())))
	require.Equal(t, removal.Unconfirmed(), again)
}
