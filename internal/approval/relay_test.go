package approval_test

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

// The server is a relay. It runs a request of its own with the approver and an
// approval of its own with the requester. The user carries the halves between
// the two honest screens. To get a grant, the relay needs the approver's code
// to begin like the requester's code. To have its own grant accepted, it needs
// the second halves to be equal. The relay is free to choose one nonce in each
// code, and tries 2^20 values of it for each half.
//
// While it may still choose, it has to guess what the honest side draws, so
// the code that it calculates is not the code that the screen shows. Once it
// knows everything, 2^20 tries give it 20 bits, and 2^30 tries, some minutes,
// give it all 30. Its choice must then come too late. The tests require both.

// tries is log2 of the relay's tries for each half.
func tries() int {
	if testing.Short() {
		return 18
	}
	return 20
}

// sure is subtracted from log2 of a number of tries to get the number of bits
// that they find, except in one of e^32 cases.
const sure = 5

// hasher returns a function that computes SHA-256 of head and tail. It hashes
// head once.
func hasher(head ...[]byte) func(tail ...[]byte) []byte {
	start := sha256.New().(hash.Cloner)
	start.Write(slices.Concat(head...))
	return func(tail ...[]byte) []byte {
		h := must(start.Clone())
		for _, b := range tail {
			h.Write(b)
		}
		return h.Sum(nil)
	}
}

// bitsOf returns the 30 bits of a half.
func bitsOf(half string) (b uint64) {
	for _, c := range strings.ReplaceAll(half, "-", "") {
		b = b<<5 | uint64(strings.IndexRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c))
	}
	return b
}

// firstHalf and secondHalf return the halves that belong to t as numbers.
func firstHalf(t []byte) uint64  { return binary.BigEndian.Uint64(t) >> 34 }
func secondHalf(t []byte) uint64 { return binary.BigEndian.Uint64(t) >> 4 & (1<<30 - 1) }

// agree returns the number of leading bits that two halves have in common.
func agree(a, b uint64) int { return bits.LeadingZeros64((a ^ b) << 34) }

// grind returns the number, out of 2^log2, whose half agrees best with the
// wanted half.
func grind(t *testing.T, log2 int, want uint64, half func(i uint64) uint64) (best uint64) {
	n := -1
	for i := range uint64(1) << log2 {
		if m := agree(half(i), want); m > n {
			best, n = i, m
		}
	}
	require.GreaterOrEqual(t, n, log2-sure, "the tries must reach that far, or this is not an attack")
	return best
}

// sessions is log2 of the sessions over which the relay divides its tries.
const sessions = 5

// requireChance takes the number of bits on which the true halves agree, for
// each session. In every session the relay has made the calculated halves agree
// on 10 bits, or 8 if the tests are short. True halves agree on so many bits by
// chance only, with a probability of 2^-10 or 2^-8. They do so in more than
// five of 32 sessions with a probability of 2^-40 or 2^-28.
func requireChance(t *testing.T, agreements []int) {
	t.Helper()
	require.Len(t, agreements, 1<<sessions)
	lucky := 0
	for _, n := range agreements {
		if n >= tries()-sessions-sure {
			lucky++
		}
	}
	require.LessOrEqual(t, lucky, 5)
}

func nonce(i uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 24), i) }

// TestRelayGrindsTheFirstHalf: the relay has spoken with the requester, so it
// knows what the user will type at the approver. It chooses its r1, and the
// approver's enc and r2 come after that.
func TestRelayGrindsTheFirstHalf(t *testing.T) {
	var agreements []int
	for range 1 << sessions {
		device := newRequest(t, approval.Device)
		own, err := approval.Begin(approval.Device, account, device.Ask())
		require.NoError(t, err)
		_, atR, err := device.Reveal(own.Answer())
		require.NoError(t, err)

		seed := random(32)
		pk := refPublicKey(seed)
		enc, _ := refSender(1, account[:], pk)
		guess := slices.Concat(enc, random(32))
		commit := hasher([]byte("nescio/approve/v1/commit\x00"), pk)
		code := hasher([]byte("nescio/approve/v1/code\x00\x01"), account[:], pk)
		best := grind(t, tries()-sessions, bitsOf(atR), func(i uint64) uint64 {
			r1 := nonce(i)
			return firstHalf(code(commit(r1), guess, r1))
		})

		relay := approval.RequestOf(t, approval.Device, account, seed, nil, nonce(best))
		approver, err := approval.Begin(approval.Device, account, relay.Ask())
		require.NoError(t, err)
		reveal, _, err := relay.Reveal(approver.Answer())
		require.NoError(t, err)
		_, err = approver.Code(reveal)
		require.NoError(t, err)
		half, _ := approval.HalvesOfApproval(approver)
		agreements = append(agreements, agree(bitsOf(half), bitsOf(atR)))
		require.Equal(t, approval.ErrUntrusted, approver.Check(atR))
		requireApprovalOver(t, approver)
	}
	requireChance(t, agreements)
}

// TestRelayRevealsAnotherNonce: the relay waits for enc and r2 and only then
// chooses r1. The approver must hold it to the commitment. Without that check
// the code would begin with as many bits of the requester's half as the relay
// has tries.
func TestRelayRevealsAnotherNonce(t *testing.T) {
	device := newRequest(t, approval.Device)
	own, err := approval.Begin(approval.Device, account, device.Ask())
	require.NoError(t, err)
	_, atR, err := device.Reveal(own.Answer())
	require.NoError(t, err)

	relay := newRequest(t, approval.Device)
	ask := relay.Ask()
	approver, err := approval.Begin(approval.Device, account, ask)
	require.NoError(t, err)
	code := hasher([]byte("nescio/approve/v1/code\x00\x01"), account[:], ask[2:], approver.Answer())
	best := grind(t, tries(), bitsOf(atR), func(i uint64) uint64 { return firstHalf(code(nonce(i))) })

	_, err = approver.Code(nonce(best))
	if err == nil {
		half, _ := approval.HalvesOfApproval(approver)
		t.Errorf("the approver compares with %s what the user reads as %s", half, atR)
	}
	require.Equal(t, approval.ErrUntrusted, err)
	require.Equal(t, approval.ErrUsed, approver.Check(atR))
	requireApprovalOver(t, approver)
}

// TestRelayGrindsTheSecondHalf: the relay has spoken with the approver, so it
// knows what the user will type at the requester. It chooses its r2, and the
// requester's r1 comes after that.
func TestRelayGrindsTheSecondHalf(t *testing.T) {
	var agreements []int
	for range 1 << sessions {
		relay := newSession(t, approval.Device) // with the approver
		want := relay.atA

		device := newRequest(t, approval.Device)
		ask := device.Ask()
		enc, sender := refSender(1, account[:], ask[2:1218])
		code := hasher([]byte("nescio/approve/v1/code\x00\x01"), account[:], ask[2:], enc)
		guess := random(32)
		best := grind(t, tries()-sessions, bitsOf(want), func(i uint64) uint64 { return secondHalf(code(nonce(i), guess)) })

		answer := slices.Concat(enc, nonce(best))
		r1, _, err := device.Reveal(answer)
		require.NoError(t, err)
		_, half := approval.HalvesOfRequest(device)
		agreements = append(agreements, agree(bitsOf(half), bitsOf(want)))
		forged := must(sender.Seal(code(nonce(best), r1), payload))
		requireOpens(t, approval.Again(device), forged, half) // all that the relay lacks is the half
		requireRefuses(t, approval.ErrUntrusted, device, forged, want)
		requireRequestOver(t, device)
	}
	requireChance(t, agreements)
}

// TestRelayAnswersAgain: the relay waits for r1 and only then chooses its r2.
// The requester must hold it to its first answer.
func TestRelayAnswersAgain(t *testing.T) {
	want := newSession(t, approval.Device).atA // of the relay with the approver
	device := newRequest(t, approval.Device)
	ask := device.Ask()
	enc, sender := refSender(1, account[:], ask[2:1218])
	r1, _, err := device.Reveal(slices.Concat(enc, random(32)))
	require.NoError(t, err)
	code := hasher([]byte("nescio/approve/v1/code\x00\x01"), account[:], ask[2:], enc)
	best := grind(t, tries(), bitsOf(want), func(i uint64) uint64 { return secondHalf(code(nonce(i), r1)) })

	_, _, err = device.Reveal(slices.Concat(enc, nonce(best)))
	if err == nil {
		_, half := approval.HalvesOfRequest(device)
		t.Errorf("the requester compares with %s what the user reads as %s", half, want)
	}
	require.Equal(t, approval.ErrUsed, err)
	forged := must(sender.Seal(code(nonce(best), r1), payload))
	requireRefuses(t, approval.ErrUntrusted, device, forged, want)
	requireRequestOver(t, device)
}

// TestRelaySendsAGrantUnasked: the server answers a new device itself and sends
// a grant before anyone has looked at a code.
func TestRelaySendsAGrantUnasked(t *testing.T) {
	for _, typed := range []string{"", newSession(t, approval.Device).atA} { // nothing, or what the true approver shows
		s := newSession(t, approval.Device) // the server is the approver
		grant := s.grant(t)                 // it knows the half that the device shows
		requireRefuses(t, approval.ErrUntrusted, s.r, grant, typed)
		requireRefuses(t, approval.ErrUsed, s.r, grant, s.atA)
	}
}

// TestRelayPassesTheRequestersAskOn: the approver gets the requester's own ask
// and reveal, and the requester gets the relay's answer.
func TestRelayPassesTheRequestersAskOn(t *testing.T) {
	device := newRequest(t, approval.Device)
	ask := device.Ask()
	approver, err := approval.Begin(approval.Device, account, ask)
	require.NoError(t, err)
	own, err := approval.Begin(approval.Device, account, ask)
	require.NoError(t, err)
	reveal, atR, err := device.Reveal(own.Answer())
	require.NoError(t, err)
	atA, err := approver.Code(reveal)
	require.NoError(t, err)
	_, err = own.Code(reveal)
	require.NoError(t, err)
	require.NoError(t, own.Check(atR))
	forged, err := own.Grant(payload)
	require.NoError(t, err)
	requireRefuses(t, approval.ErrUntrusted, device, forged, atA)
	requireRequestOver(t, device)
	require.Equal(t, approval.ErrUntrusted, approver.Check(atR))
	requireApprovalOver(t, approver)
}

// TestRelayTakesTheRequestersCommitment: the relay's key stands beside the
// requester's commitment, and then the relay's commitment beside the
// requester's key.
func TestRelayTakesTheRequestersCommitment(t *testing.T) {
	for _, forge := range []func(ask []byte) []byte{
		func(ask []byte) []byte { return refAsk(1, refPublicKey(random(32)), ask[1218:]) },
		func(ask []byte) []byte { return refAsk(1, ask[2:1218], refCommitment(ask[2:1218], random(32))) },
	} {
		device := newRequest(t, approval.Device)
		approver, err := approval.Begin(approval.Device, account, forge(device.Ask()))
		require.NoError(t, err)
		reveal, _, err := device.Reveal(approver.Answer())
		require.NoError(t, err)
		_, err = approver.Code(reveal)
		require.Equal(t, approval.ErrUntrusted, err)
		requireApprovalOver(t, approver)
	}
}
