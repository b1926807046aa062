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

// TestHPKEVectors: the suite of slots and approvals opens the published messages,
// and the seed of a slot gives the published public key.
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

// TestUnreducedPublicKeysAreRefused: a server or a requester presents a public key
// with a coefficient that is not reduced. Nothing is sealed to it.
func TestUnreducedPublicKeysAreRefused(t *testing.T) {
	v := testvec.Load[modulusVectors](t, testdata, "testdata/mlkem768_modulus.json")
	require.Len(t, v.Keys, 780)
	x25519 := bytes.Repeat([]byte{9}, 32)
	k := create(t, phrase(t))
	ask := func(publicKey []byte) []byte { return refAsk(1, publicKey, make([]byte, 32)) }
	qr := func(publicKey []byte) string { return refQR(1, account, publicKey, make([]byte, 16)) }

	publicKey := slices.Concat(v.Base, x25519)
	_, err := recovery.SealToSlot(publicKey)
	require.NoError(t, err, "the key that the others differ from")
	_, err = k.Approve(ask(publicKey))
	require.NoError(t, err)
	header := k.Bytes()

	for i, changes := range v.Keys {
		publicKey := slices.Concat(v.Base, x25519)
		for _, c := range changes {
			publicKey[c[0]] = byte(c[1])
		}
		sealed, err := recovery.SealToSlot(publicKey)
		require.Equal(t, recovery.ErrUntrusted, err, "key %d", i)
		require.Nil(t, sealed)
		approval, err := k.Approve(ask(publicKey))
		require.Equal(t, recovery.ErrMalformed, err, "key %d", i)
		require.Nil(t, approval)
		grant, _, err := k.ApproveQR(qr(publicKey), ask(publicKey))
		require.Equal(t, recovery.ErrMalformed, err, "key %d", i)
		require.Nil(t, grant)
	}
	require.Equal(t, header, k.Bytes(), "no slot was added")
}
