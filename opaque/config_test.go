package opaque_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func TestConfigs(t *testing.T) {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	good := func() opaque.ServerConfig {
		return opaque.ServerConfig{DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: setup}}
	}
	salted := kdf.Default().WithNewSalt()
	pbkdf2, err := kdf.NewPBKDF2SHA512(300_000)
	require.NoError(t, err)
	withheld, _, err := pbkdf2.WithoutIterations()
	require.NoError(t, err)
	other := []opaque.Kind{{Setup: 1, KSF: pbkdf2, Weight: 1}}
	for name, change := range map[string]func(c *opaque.ServerConfig){
		"no setup":             func(c *opaque.ServerConfig) { c.Setups = nil },
		"a nil setup":          func(c *opaque.ServerConfig) { c.Setups[2] = nil },
		"an empty setup":       func(c *opaque.ServerConfig) { c.Setups[2] = new(opaque.Setup) },
		"an unknown setup":     func(c *opaque.ServerConfig) { c.Offer = opaque.Kind{Setup: 2} },
		"a zero decoy key":     func(c *opaque.ServerConfig) { c.DecoyKey = [32]byte{} },
		"no state key":         func(c *opaque.ServerConfig) { c.StateKeys = nil },
		"a zero state key":     func(c *opaque.ServerConfig) { c.StateKeys[0].Key = [32]byte{} },
		"a state key twice":    func(c *opaque.ServerConfig) { c.StateKeys = append(c.StateKeys, c.StateKeys[0]) },
		"no state key is due":  func(c *opaque.ServerConfig) { c.StateKeys[0].NotBefore = time.Now().Add(time.Hour) },
		"a salted KSF":         func(c *opaque.ServerConfig) { c.Offer = opaque.Kind{Setup: 1, KSF: salted} },
		"a withheld KSF":       func(c *opaque.ServerConfig) { c.Offer = opaque.Kind{Setup: 1, KSF: withheld} },
		"another suite":        func(c *opaque.ServerConfig) { c.Offer = opaque.Kind{Suite: opaque.Curve25519, Setup: 1} },
		"an invalid suite":     func(c *opaque.ServerConfig) { c.Offer = opaque.Kind{Suite: 4, Setup: 1} },
		"no weight":            func(c *opaque.ServerConfig) { c.Accept = []opaque.Kind{{Setup: 1, KSF: pbkdf2}} },
		"a large weight":       func(c *opaque.ServerConfig) { c.Offer = opaque.Kind{Setup: 1, Weight: 1<<20 + 1}; c.Old = other },
		"a large weight alone": func(c *opaque.ServerConfig) { c.Offer = opaque.Kind{Setup: 1, Weight: 1<<20 + 1} },
		"one kind twice":       func(c *opaque.ServerConfig) { c.Accept = []opaque.Kind{{Setup: 1, Weight: 1}} },
		"one kind twice, old":  func(c *opaque.ServerConfig) { c.Old = []opaque.Kind{{Setup: 1, Weight: 1, Identities: true}} },
		"too many kinds":       func(c *opaque.ServerConfig) { c.Others = make([]opaque.KindWeight, 256) },
		"one of Others twice":  func(c *opaque.ServerConfig) { c.Others = []opaque.KindWeight{{Weight: 1}, {Weight: 1}} },
		"two kinds, RFC":       func(c *opaque.ServerConfig) { c.Wire = opaque.WireRFC9807; c.Accept = other },
		"an old kind, RFC":     func(c *opaque.ServerConfig) { c.Wire = opaque.WireRFC9807; c.Old = other },
		"a long identity":      func(c *opaque.ServerConfig) { c.ServerIdentity = make([]byte, 1025) },
		"another wire":         func(c *opaque.ServerConfig) { c.Wire = 2 },
		"two setups, RFC":      func(c *opaque.ServerConfig) { c.Wire = opaque.WireRFC9807; c.Setups[2] = setup },
		"a negative lifetime":  func(c *opaque.ServerConfig) { c.Lifetime = -1 },
		"a negative MaxPendig": func(c *opaque.ServerConfig) { c.MaxPending = -1 },
	} {
		cfg := good()
		change(&cfg)
		s, err := opaque.NewServer(cfg)
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
		require.Nil(t, s)
	}
	for name, cfg := range map[string]opaque.ClientConfig{
		"another suite":      {Suite: 4},
		"another wire":       {Wire: 2},
		"a long identity":    {ServerIdentity: make([]byte, 1025)},
		"a fixed KSF":        {FixedKSF: kdf.Default()},
		"a salted KSF":       {Wire: opaque.WireRFC9807, FixedKSF: salted},
		"a withheld KSF":     {Wire: opaque.WireRFC9807, FixedKSF: withheld},
		"a public key of 31": {ServerPublicKeys: [][]byte{make([]byte, 31)}},
	} {
		c, err := opaque.NewClient(cfg)
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
		require.Nil(t, c)
	}
	client, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(t, err)
	for name, lengths := range map[string][2]int{"no password": {0, 0}, "a long password": {0, 1025}, "a long identity": {1025, 1}} {
		_, _, err := client.Login(make([]byte, lengths[0]), make([]byte, lengths[1]))
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
		_, _, err = client.Register(make([]byte, lengths[0]), make([]byte, lengths[1]))
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
	}
	_, err = opaque.NewSetup(0)
	require.ErrorIs(t, err, opaque.ErrPolicy)
	require.Equal(t, "ristretto255 p256 curve25519 invalid", strings.Join([]string{
		opaque.Ristretto255.String(), opaque.P256.String(), opaque.Curve25519.String(), opaque.Suite(4).String()}, " "))
}
