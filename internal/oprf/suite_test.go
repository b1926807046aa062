package oprf_test

import (
	"bytes"
	"testing"

	circl "github.com/cloudflare/circl/oprf"
	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

var peers = map[string]circl.Suite{
	"ristretto255-SHA512": circl.SuiteRistretto255,
	"P256-SHA256":         circl.SuiteP256,
}

// session is one run, so that its values do not have to be passed around.
type session struct {
	skS, blind, blinded, evaluated, output []byte
}

func newSession(s *oprf.Suite) session {
	scalar, element := s.Group.ScalarSize(), s.Group.ElementSize()
	return session{make([]byte, scalar), make([]byte, scalar), make([]byte, element), make([]byte, element), make([]byte, s.NewHash().Size())}
}

func TestCirclAgrees(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 10
	}
	for name, s := range suites {
		a, h := testvec.NewAccumulated(name), s.NewHash()
		peer := peers[name]
		require.Equal(t, name, peer.Identifier())
		for i := range rounds {
			input, seed, info := a.Input(i), a.Input(32), a.Input(i%50)
			r := newSession(s)
			require.NoError(t, s.Group.Reduce(r.blind, a.Input(s.Group.UniformScalarSize())))
			require.NoError(t, s.DeriveKeyPair(h, r.skS, seed, info))
			require.NoError(t, s.Blind(h, r.blinded, r.blind, input))
			require.NoError(t, s.BlindEvaluate(r.evaluated, r.skS, r.blinded))
			require.NoError(t, s.Finalize(h, r.output, input, r.blind, r.evaluated))
			require.Equal(t, circlSession(t, peer, seed, info, r.blind, input), r)
		}
	}
}

func circlSession(t *testing.T, s circl.Suite, seed, info, blind, input []byte) session {
	key, err := circl.DeriveKey(s, circl.BaseMode, seed, info)
	require.NoError(t, err)
	skS, err := key.MarshalBinary()
	require.NoError(t, err)
	scalar := s.Group().NewScalar()
	require.NoError(t, scalar.UnmarshalBinary(blind))
	client := circl.NewClient(s)
	state, request, err := client.DeterministicBlind([][]byte{input}, []circl.Blind{scalar})
	require.NoError(t, err)
	blinded, err := request.Elements[0].MarshalBinaryCompress()
	require.NoError(t, err)
	evaluation, err := circl.NewServer(s, key).Evaluate(request)
	require.NoError(t, err)
	evaluated, err := evaluation.Elements[0].MarshalBinaryCompress()
	require.NoError(t, err)
	outputs, err := client.Finalize(state, evaluation)
	require.NoError(t, err)
	return session{skS, blind, blinded, evaluated, outputs[0]}
}

// The digests are those of the same runs by circl.
func TestAccumulated(t *testing.T) {
	for name, want := range map[string][2]string{
		"ristretto255-SHA512": {"d029b50d21ed900f39e2b27d7c75ff5552ec69bef0b4fb60202f40e3f904c324",
			"8b5831e520d19faff87cf265bd9be8e44c0747bb5d14079ede57bdce5376f3d0"},
		"P256-SHA256": {"14abda9b5a4230a44b9f026675139467d1ceaf555721e23ea12b09ec4325c2b0",
			"1dd7feaf60e2a258070e4feaed160bfb11d5d47dffc78d075f078e55a1c17f3f"},
	} {
		s := suites[name]
		h, r := s.NewHash(), newSession(s)
		testvec.Check(t, name, want[0], want[1], func(a *testvec.Accumulated) {
			seed, input := a.Input(32), a.Input(16)
			require.NoError(t, s.DeriveKeyPair(h, r.blind, seed, []byte("accumulated")))
			require.NoError(t, s.Blind(h, r.blinded, r.blind, input))
			a.Output(r.blind)
			a.Output(r.blinded)
		})
	}
}

// The output depends on the key and the input, and on nothing else.
func TestBlindDoesNotShow(t *testing.T) {
	for name, s := range suites {
		h := s.NewHash()
		run := func(skS, input string) []byte {
			r := newSession(s)
			require.NoError(t, s.DeriveKeyPair(h, r.skS, make([]byte, 32), []byte(skS)))
			s.RandomScalar(r.blind)
			require.NoError(t, s.Blind(h, r.blinded, r.blind, []byte(input)))
			require.NoError(t, s.BlindEvaluate(r.evaluated, r.skS, r.blinded))
			require.NoError(t, s.Finalize(h, r.output, []byte(input), r.blind, r.evaluated))
			return r.output
		}
		require.Equal(t, run("key", "input"), run("key", "input"), name)
		require.NotEqual(t, run("key", "input"), run("another", "input"), name)
		require.NotEqual(t, run("key", "input"), run("key", "another"), name)
	}
}

func TestRandomScalar(t *testing.T) {
	for name, s := range suites {
		seen := make(map[string]bool)
		for range 20 {
			b := make([]byte, s.Group.ScalarSize())
			s.RandomScalar(b)
			require.False(t, seen[string(b)], name)
			seen[string(b)] = true
			require.NoError(t, s.Group.Invert(b, b))
		}
	}
}

// unlucky is a group of which the next numbers all reduce to zero, and all
// elements are the identity.
type unlucky struct {
	oprf.Group
	zeros int
}

func (g *unlucky) Reduce(out, uniform []byte) error {
	if g.zeros--; g.zeros >= 0 {
		return oprf.ErrScalar
	}
	return g.Group.Reduce(out, uniform)
}

func (g *unlucky) MapMultiply(_, _, _ []byte) error { return oprf.ErrElement }

func unluckySuite(s *oprf.Suite, zeros int) *oprf.Suite {
	c := *s
	c.Group = &unlucky{s.Group, zeros}
	return &c
}

// RFC 9497, Section 3.2.1: a counter, until a scalar is not zero.
func TestDeriveKeyPairCounts(t *testing.T) {
	for name, s := range suites {
		h, seed, info := s.NewHash(), bytes.Repeat([]byte{7}, 32), []byte("info")
		dst := "DeriveKeyPairOPRFV1-\x00-" + name
		uniform, want := make([]byte, s.Group.UniformScalarSize()), make([]byte, s.Group.ScalarSize())
		got := make([]byte, s.Group.ScalarSize())
		for _, zeros := range []int{0, 1, 2, 255} {
			h.ExpandMessage(uniform, append([]byte(dst), byte(len(dst))), seed, []byte{0, 4}, info, []byte{byte(zeros)})
			require.NoError(t, s.Group.Reduce(want, uniform))
			require.NoError(t, unluckySuite(s, zeros).DeriveKeyPair(h, got, seed, []byte(info)))
			require.Equal(t, want, got, "%s: %d", name, zeros)
		}
		require.ErrorIs(t, unluckySuite(s, 256).DeriveKeyPair(h, got, seed, []byte(info)), oprf.ErrDerive)
	}
}

func TestUnlucky(t *testing.T) {
	for _, s := range suites {
		r := newSession(s)
		unluckySuite(s, 3).RandomScalar(r.blind)
		require.NoError(t, s.Group.Invert(r.blind, r.blind))
		require.ErrorIs(t, unluckySuite(s, 0).Blind(s.NewHash(), r.blinded, r.blind, nil), oprf.ErrInput)
	}
}

func TestLongInputsAreRefused(t *testing.T) {
	for _, s := range suites {
		h, r := s.NewHash(), newSession(s)
		longest, tooLong := make([]byte, 65535), make([]byte, 65536)
		s.RandomScalar(r.blind)
		require.NoError(t, s.DeriveKeyPair(h, r.skS, make([]byte, 32), longest))
		require.ErrorIs(t, s.DeriveKeyPair(h, r.skS, make([]byte, 32), tooLong), oprf.ErrLength)
		require.NoError(t, s.Blind(h, r.blinded, r.blind, longest))
		require.ErrorIs(t, s.Blind(h, r.blinded, r.blind, tooLong), oprf.ErrLength)
		require.NoError(t, s.Finalize(h, r.output, longest, r.blind, r.blinded))
		require.ErrorIs(t, s.Finalize(h, r.output, tooLong, r.blind, r.blinded), oprf.ErrLength)
	}
}

func TestSuiteRefuses(t *testing.T) {
	for name, s := range suites {
		h, r := s.NewHash(), newSession(s)
		zero, identity := make([]byte, s.Group.ScalarSize()), make([]byte, s.Group.ElementSize())
		s.RandomScalar(r.blind)
		require.NoError(t, s.Blind(h, r.blinded, r.blind, nil), "an empty input is one")
		require.ErrorIs(t, s.Blind(h, r.evaluated, zero, nil), oprf.ErrScalar, name)
		require.ErrorIs(t, s.BlindEvaluate(r.evaluated, zero, r.blinded), oprf.ErrScalar, name)
		require.ErrorIs(t, s.BlindEvaluate(r.evaluated, r.blind, identity), oprf.ErrElement, name)
		require.ErrorIs(t, s.BlindEvaluate(r.evaluated, r.blind, []byte{}), oprf.ErrElement, name)
		require.ErrorIs(t, s.BlindEvaluate(r.evaluated, r.blind, nil), oprf.ErrElement, name)
		require.ErrorIs(t, s.Finalize(h, r.output, nil, zero, r.blinded), oprf.ErrScalar, name)
		require.ErrorIs(t, s.Finalize(h, r.output, nil, r.blind, identity), oprf.ErrElement, name)
		require.ErrorIs(t, s.Finalize(h, r.output, nil, r.blind, []byte{}), oprf.ErrElement, name)
		require.ErrorIs(t, s.Finalize(h, r.output, nil, r.blind, nil), oprf.ErrElement, name)
		require.Equal(t, make([]byte, h.Size()), r.output, "nothing is put out")
	}
}
