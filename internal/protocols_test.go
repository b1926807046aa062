package internal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// What packages srp and opaque promise about each other. They do not import each
// other, so that nothing else holds them to it.

type protocolServer interface {
	BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error)
	FinishRegistration(identity, upload []byte) (record []byte, err error)
	BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error)
	FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error)
	NeedsRegistration(record []byte) bool
	Check(record []byte) error
	AnswersAsSRP(id []byte) bool
	Decoy(label string, id []byte) [32]byte
}

type protocolLogin interface {
	Respond(ctx context.Context, response []byte) (final []byte, err error)
	Finish(reply []byte) (key []byte, err error)
	Discard()
}

type protocolRegistration interface {
	Finish(ctx context.Context, response []byte) (upload []byte, err error)
	Discard()
}

var (
	_ protocolServer       = (*srp.Server)(nil)
	_ protocolServer       = (*opaque.Server)(nil)
	_ protocolLogin        = (*srp.Login)(nil)
	_ protocolLogin        = (*opaque.Login)(nil)
	_ protocolRegistration = (*srp.Registration)(nil)
	_ protocolRegistration = (*opaque.Registration)(nil)
)

// TestErrorsOfBothProtocolsAreTheSame in both directions, and no two of them are
// each other.
func TestErrorsOfBothProtocolsAreTheSame(t *testing.T) {
	pairs := [][2]error{
		{srp.ErrAuthentication, opaque.ErrAuthentication}, {srp.ErrState, opaque.ErrState},
		{srp.ErrMalformed, opaque.ErrMalformed}, {srp.ErrRecord, opaque.ErrRecord},
		{srp.ErrPolicy, opaque.ErrPolicy}, {srp.ErrBusy, opaque.ErrBusy}, {srp.ErrUsed, opaque.ErrUsed},
	}
	for i, p := range pairs {
		require.ErrorIs(t, p[0], p[1])
		require.ErrorIs(t, p[1], p[0])
		require.ErrorIs(t, fmt.Errorf("wrapped: %w", p[0]), p[1])
		for j, q := range pairs {
			require.Equal(t, i == j, errors.Is(p[0], q[1]))
		}
	}
}

// TestErrorTableIsTheSame in the documentation of both packages.
func TestErrorTableIsTheSame(t *testing.T) {
	table := func(file string) string {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(b), "BeginRegistration  FinishRegistration  BeginLogin  FinishLogin\n")
		require.True(t, found, file)
		rows, _, _ := strings.Cut(rest, "//\n")
		require.Equal(t, 7, strings.Count(rows, "\n"), file)
		return rows
	}
	require.Equal(t, table("../srp/doc.go"), table("../opaque/doc.go"))
}

// bothServers are the servers of one service that has three kinds of SRP, one of
// them a pool of two, and two of OPAQUE.
func bothServers(t *testing.T, srpWeight, opaqueWeight uint32) (*srp.Server, *opaque.Server) {
	small, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	large, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	srpKinds := []srp.Kind{
		{Groups: []*srp.Group{small, large}, Weight: srpWeight},
		{Profile: srp.RFC5054SHA1(0), Groups: []*srp.Group{small}, Weight: 2 * srpWeight},
	}
	opaqueKinds := []opaque.Kind{{Setup: 2, Weight: opaqueWeight}, {Setup: 1, Weight: 3}}
	srpWeights, err := srp.Weights(srpKinds...)
	require.NoError(t, err)
	require.Len(t, srpWeights, 3)
	opaqueWeights, err := opaque.Weights(opaqueKinds...)
	require.NoError(t, err)
	setups := make(map[uint16]*opaque.Setup)
	for number := range uint16(2) {
		setups[number+1], err = opaque.NewSetup(opaque.Ristretto255)
		require.NoError(t, err)
	}
	decoyKey, stateKey := [32]byte{1}, [32]byte{2}
	s, err := srp.NewServer(srp.ServerConfig{DecoyKey: decoyKey, StateKeys: []srp.StateKey{{Key: stateKey}},
		Offer: srpKinds[0], Old: srpKinds[1:], Others: opaqueWeights})
	require.NoError(t, err)
	o, err := opaque.NewServer(opaque.ServerConfig{DecoyKey: decoyKey, StateKeys: []opaque.StateKey{{Key: stateKey}}, Setups: setups,
		Offer: opaqueKinds[0], Old: opaqueKinds[1:], Others: srpWeights})
	require.NoError(t, err)
	return s, o
}

// TestBothServersAgree on the protocol of an unknown name and on everything that
// else is false of it; and a name that went to OPAQUE does not come back while
// OPAQUE's weight rises.
func TestBothServersAgree(t *testing.T) {
	const names = 1200
	left := make(map[int]bool)
	for _, weight := range []uint32{0, 3, 20, 1 << 20} {
		s, o := bothServers(t, 3, weight)
		answersAsSRP := 0
		for i := range names {
			id := fmt.Appendf(nil, "name %d", i)
			require.Equal(t, s.AnswersAsSRP(id), o.AnswersAsSRP(id))
			require.Equal(t, s.Decoy("account number", id), o.Decoy("account number", id))
			if s.AnswersAsSRP(id) {
				answersAsSRP++
				require.False(t, left[i], "it came back")
			} else {
				left[i] = true
			}
		}
		share := 12.0 / (12 + 3 + float64(weight)) // of SRP: two groups of 3, one of 6
		require.InDelta(t, share*names, answersAsSRP, 70, weight)
	}
}
