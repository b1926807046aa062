package recovery_test

import (
	"bytes"
	"crypto/hpke"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

type hpkeVectors struct {
	HPKE []struct {
		Info        testvec.Hex `json:"info"`
		IKM         testvec.Hex `json:"ikmR"`
		Seed        testvec.Hex `json:"skRm"`
		PublicKey   testvec.Hex `json:"pkRm"`
		Enc         testvec.Hex `json:"enc"`
		Encryptions []struct {
			AAD   testvec.Hex `json:"aad"`
			CT    testvec.Hex `json:"ct"`
			Nonce testvec.Hex `json:"nonce"`
			PT    testvec.Hex `json:"pt"`
		} `json:"encryptions"`
	} `json:"hpke"`
	XWing []struct {
		Seed      testvec.Hex `json:"seed"`
		PublicKey testvec.Hex `json:"pk"`
	} `json:"xwing"`
}

// TestHPKEVectors: the suite of slots and approvals opens the published
// messages, and the seed of a slot gives the published public key.
func TestHPKEVectors(t *testing.T) {
	v := testvec.Load[hpkeVectors](t, testdata, "testdata/hpke.json")
	require.Len(t, v.HPKE, 1)
	require.Len(t, v.XWing, 3)
	kem := hpke.MLKEM768X25519()
	for _, c := range v.HPKE {
		derived, err := kem.DeriveKeyPair(c.IKM)
		require.NoError(t, err)
		seed, err := derived.Bytes()
		require.NoError(t, err)
		require.Equal(t, []byte(c.Seed), seed)
		publicKey, err := recovery.SlotPublicKey(c.Seed)
		require.NoError(t, err)
		require.Equal(t, []byte(c.PublicKey), publicKey)

		private, err := kem.NewPrivateKey(c.Seed)
		require.NoError(t, err)
		r, err := hpke.NewRecipient(c.Enc, private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), c.Info)
		require.NoError(t, err)
		require.Len(t, c.Encryptions, 10)
		for i, e := range c.Encryptions {
			opened, err := r.Open(e.AAD, e.CT)
			require.NoError(t, err, "message %d", i)
			require.Equal(t, []byte(e.PT), opened, "message %d", i)
		}
	}
	for i, c := range v.XWing {
		publicKey, err := recovery.SlotPublicKey(c.Seed)
		require.NoError(t, err)
		require.Equal(t, []byte(c.PublicKey), publicKey, "key %d", i)
	}
}

type modulusVectors struct {
	Base testvec.Hex `json:"base"`
	Keys [][][2]int  `json:"keys"` // offset, byte
}

// TestUnreducedPublicKeysAreRefused: nothing is sealed to a public key with a
// coefficient that is not reduced, and no slot for it is added.
func TestUnreducedPublicKeysAreRefused(t *testing.T) {
	v := testvec.Load[modulusVectors](t, testdata, "testdata/mlkem768_modulus.json")
	require.Len(t, v.Keys, 780)
	x25519 := bytes.Repeat([]byte{9}, 32)
	k := create(t, phrase())
	publicKey := slices.Concat(v.Base, x25519)
	_, err := recovery.SealToSlot(publicKey)
	require.NoError(t, err, "the key that the others differ from")
	addDevice := func(publicKey []byte) error {
		sealed := must(recovery.SealDevice(k, publicKey))
		_, err := k.Edit(func(e *recovery.Edit) error { return e.Add(sealed) })
		return err
	}
	require.NoError(t, addDevice(publicKey))

	for i, changes := range v.Keys {
		publicKey := slices.Concat(v.Base, x25519)
		for _, c := range changes {
			publicKey[c[0]] = byte(c[1])
		}
		sealed, err := recovery.SealToSlot(publicKey)
		require.ErrorIs(t, err, recovery.ErrUntrusted, "key %d", i)
		require.Nil(t, sealed)
		require.ErrorIs(t, addDevice(publicKey), recovery.ErrUntrusted, "key %d", i)
	}
}
