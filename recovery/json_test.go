package recovery_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestJSON: types that contain secrets write a placeholder. If applications
// store them, they return an error instead.
func TestJSON(t *testing.T) {
	k, device := addDevice(t, create(t, phrase()))
	sealed := seal(t, k, phrase())
	draft := change(t, k, rotate)
	client := recovery.NewClient(nil, nil)
	request := must(recovery.NewRequest(k.Account()))
	secretPassword := passwordAndKey("correct horse", recovery.NewSecretKey())
	for name, v := range map[string]any{
		"Password": secretPassword, "ExportKey": exportKey(0xe1), "Passkey": passkey(0xa1), "SealedSlot": sealed, "Draft": draft,
		"Client": client, "Request": request, "Approval": new(recovery.Approval),
	} {
		b, err := json.Marshal([]any{v})
		require.NoError(t, err)
		require.Equal(t, `["recovery.`+name+`(redacted)"]`, string(b))
		require.Equal(t, "recovery."+name+"(redacted)", fmt.Sprint(v))
	}
	file, key := recovery.NewFile(), recovery.NewSecretKey()
	for _, v := range []any{device, *device, phrase(), *phrase(), key, *key, file, *file, k, k.Header()} {
		_, err := json.Marshal([]any{v})
		require.ErrorContains(t, err, "recovery: no JSON form, store the bytes or the text")
	}
}

// TestRedaction: no key shows, however a value is printed. The table for all
// types is in package internal.
func TestRedaction(t *testing.T) {
	k := create(t, phrase())
	k = rotated(t, k)
	lineage, master := recovery.KeysOf(k)
	seed := recovery.SeedOf(k)
	testvec.Redacted(t, k, lineage, master, seed)
	testvec.Redacted(t, seal(t, k, phrase()), lineage)
	draft := change(t, k, rotate)
	_, next := recovery.KeysOf(draft.Stored())
	testvec.Redacted(t, draft, lineage, master, next, seed)
}

// TestCheckpointJSON: a checkpoint is public, and stored as text.
func TestCheckpointJSON(t *testing.T) {
	k, _ := everySlot(t)
	for _, c := range []recovery.Checkpoint{k.Checkpoint(), change(t, k, rotate).Unconfirmed()} {
		b, err := json.Marshal([]recovery.Checkpoint{c})
		require.NoError(t, err)
		var read []recovery.Checkpoint
		require.NoError(t, json.Unmarshal(b, &read))
		require.Equal(t, []recovery.Checkpoint{c}, read)
	}
	for _, c := range []recovery.Checkpoint{{}, recovery.TrustOnFirstUse(k.Account())} {
		_, err := json.Marshal(c)
		require.ErrorIs(t, err, recovery.ErrNoCheckpoint)
	}
}
