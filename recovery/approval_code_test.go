package recovery_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// What the short code depends on, and what a relay between the two sides can do about
// that.

// TestCodeDependsOnEverything that either side has said or knows.
func TestCodeDependsOnEverything(t *testing.T) {
	v := loadApprovals(t)[1]
	code := recovery.CodeOf(recovery.ForDevice, v.Account, v.Ask, v.Answer, v.R1)
	require.NotEqual(t, code, recovery.CodeOf(recovery.ForShare, v.Account, v.Ask, v.Answer, v.R1))
	for _, field := range []struct {
		name     string
		of       func(ask, answer, account, r1 []byte) []byte
		from, to int
	}{
		{"account", func(_, _, account, _ []byte) []byte { return account }, 0, 16},
		{"pk", func(ask, _, _, _ []byte) []byte { return ask }, 2, 1218},
		{"c", func(ask, _, _, _ []byte) []byte { return ask }, 1218, 1250},
		{"enc", func(_, answer, _, _ []byte) []byte { return answer }, 0, 1120},
		{"r2", func(_, answer, _, _ []byte) []byte { return answer }, 1120, 1152},
		{"r1", func(_, _, _, r1 []byte) []byte { return r1 }, 0, 32},
	} {
		for _, at := range []int{field.from, (field.from + field.to) / 2, field.to - 1} {
			ask, answer, account, r1 := bytes.Clone(v.Ask), bytes.Clone(v.Answer), bytes.Clone(v.Account), bytes.Clone(v.R1)
			field.of(ask, answer, account, r1)[at] ^= 1
			require.NotEqual(t, code, recovery.CodeOf(recovery.ForDevice, account, ask, answer, r1), "%s, byte %d", field.name, at)
		}
	}

	// The same of the requester itself, in what can be changed there.
	shown := func(p recovery.Purpose, account, seed, answer, r1 []byte) string {
		_, code, err := recovery.RequestOf(t, p, account, seed, nil, r1).Reveal(answer)
		require.NoError(t, err)
		return code
	}
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	codes := []string{
		shown(recovery.ForDevice, v.Account, v.Seed, v.Answer, v.R1),
		shown(recovery.ForShare, v.Account, v.Seed, v.Answer, v.R1),
		shown(recovery.ForDevice, flip(v.Account, 0), v.Seed, v.Answer, v.R1),
		shown(recovery.ForDevice, v.Account, flip(v.Seed, 0), v.Answer, v.R1),
		shown(recovery.ForDevice, v.Account, v.Seed, flip(v.Answer, 1119), v.R1),
		shown(recovery.ForDevice, v.Account, v.Seed, flip(v.Answer, 1151), v.R1),
		shown(recovery.ForDevice, v.Account, v.Seed, v.Answer, flip(v.R1, 31)),
	}
	require.Equal(t, code, codes[0])
	slices.Sort(codes)
	require.Len(t, slices.Compact(codes), 7)
}

// TestApprovalsAreFresh: nothing that has to be random is twice the same.
func TestApprovalsAreFresh(t *testing.T) {
	k := create(t, phrase(t))
	seen := make(map[string]string)
	fresh := func(name string, b []byte) {
		before, twice := seen[string(b)]
		require.False(t, twice, "%s is that of %s", name, before)
		require.NotEqual(t, make([]byte, len(b)), b, name)
		seen[string(b)] = name
	}
	for range 4 {
		r := request(t, recovery.ForDevice)
		seed, qr, r1 := recovery.RandomOf(r)
		fresh("seed", seed)
		fresh("QR secret", qr)
		fresh("r1", r1)
		fresh("pk", r.Ask()[2:1218])
		fresh("c", r.Ask()[1218:])
		require.Equal(t, r.Ask(), r.Ask(), "one request, one message")
		require.Equal(t, refQRSecret(recovery.Again(r).QR()), qr)
		for range 2 { // of one request
			a, err := k.Approve(r.Ask())
			require.NoError(t, err)
			fresh("enc", a.Answer()[:1120])
			fresh("r2", a.Answer()[1120:])
			require.Equal(t, a.Answer(), a.Answer())
		}
		grant, _, err := k.ApproveQR(r.QR(), r.Ask())
		require.NoError(t, err)
		fresh("enc", grant[:1120])
	}
}

// alike is the number of characters, and the hyphen, with which two codes begin alike.
func alike(a, b string) (n int) {
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}

// grind tries values that the relay may choose, until the code begins as the wanted one
// does, by as much as so many tries reach: 2^20 about four characters. All six take 2^30,
// less than an hour.
func grind(t *testing.T, tries int, want string, code func(value uint64) string) (best uint64) {
	n := -1
	for i := range uint64(tries) {
		if m := alike(code(i), want); m > n {
			best, n = i, m
		}
	}
	require.Positive(t, n, "what the relay chose must change the code that it calculates, or this is no attack")
	return best
}

// TestRelayGrindsTheCode: a relay stands between, and is a requester towards the approver
// and an approver towards the device, so that in the end it has the grant, or gives one of
// its own. For that both users must see the same code. The relay has 2^20 tries in the
// first attack, which is the strongest, and calculates with all that it has been told by
// then and a guess of what it has not. If the code did not depend on what is guessed,
// the calculated code would be the true one, and the relay would be in.
func TestRelayGrindsTheCode(t *testing.T) {
	tries := 1 << 20
	if testing.Short() {
		tries = 1 << 16
	}
	guess := make([]byte, 32) // as good as any
	k := create(t, phrase(t))
	own := create(t, phrase(t)) // the relay's
	value := func(to []byte, i uint64) { binary.BigEndian.PutUint64(to, i) }

	// The approver's side first, where the relay's request is an honest one, so that it
	// knows what the approver will show. Then it chooses r2 for the device, whose r1
	// comes after.
	t.Run("r2 without r1", func(t *testing.T) {
		device, relay := request(t, recovery.ForDevice), request(t, recovery.ForDevice)
		ask := device.Ask()
		approver, err := k.Approve(relay.Ask())
		require.NoError(t, err)
		reveal, want, err := relay.Reveal(approver.Answer())
		require.NoError(t, err)

		a, err := own.Approve(ask)
		require.NoError(t, err)
		answer := a.Answer()
		code := func(i uint64) string {
			value(answer[1120:], i)
			return recovery.CodeOf(recovery.ForDevice, account, ask, answer, guess)
		}
		calculated := code(grind(t, tries, want, code))
		_, atDevice, err := device.Reveal(answer)
		require.NoError(t, err)
		require.NotEqual(t, calculated, atDevice)
		_, _, err = device.Reveal(answer)
		require.Equal(t, recovery.ErrUsed, err, "one answer, one try")

		atApprover, err := approver.Compare(reveal)
		require.NoError(t, err)
		require.Equal(t, want, atApprover)
		require.NotEqual(t, atDevice, atApprover)
	})

	// The device's side first, so that the relay knows what the device shows. Then it
	// chooses r1, and commits to it, for the approver, whose enc and r2 come after. Either
	// of these is enough: the relay foresees the other one, such as by a bad generator of
	// random numbers.
	for _, unknown := range []string{"enc and r2", "enc", "r2"} {
		t.Run("r1 without "+unknown, func(t *testing.T) {
			device := request(t, recovery.ForDevice)
			a, err := own.Approve(device.Ask())
			require.NoError(t, err)
			_, want, err := device.Reveal(a.Answer())
			require.NoError(t, err)

			pk, r1 := refPublicKey(bytes.Repeat([]byte{0x5e}, 32)), make([]byte, 32)
			ask := func(i uint64) []byte {
				value(r1, i)
				return refAsk(1, pk, refCommitment(pk, r1))
			}
			before, err := k.Approve(ask(0))
			require.NoError(t, err)
			foreseen := before.Answer()
			if unknown != "r2" {
				enc, _ := refSender(1, account, pk)
				copy(foreseen, enc)
			}
			if unknown != "enc" {
				copy(foreseen[1120:], guess)
			}
			code := func(i uint64) string { return recovery.CodeOf(recovery.ForDevice, account, ask(i), foreseen, r1) }
			best := grind(t, 1<<13, want, code)
			calculated := code(best)

			approver, err := k.Approve(ask(best))
			require.NoError(t, err)
			if unknown != "enc and r2" {
				approver = recovery.Foreseen(t, before, ask(best), unknown)
			}
			atApprover, err := approver.Compare(r1)
			require.NoError(t, err)
			require.NotEqual(t, calculated, atApprover)
			require.NotEqual(t, want, atApprover)
		})
	}

	// The device's own commitment and r1, with the relay's key in the place of the
	// device's: all else in both codes is the same.
	t.Run("another key", func(t *testing.T) {
		device := request(t, recovery.ForDevice)
		honest := device.Ask()
		forged := refAsk(1, refPublicKey(bytes.Repeat([]byte{0x5e}, 32)), honest[1218:])
		approver, err := k.Approve(forged)
		require.NoError(t, err)
		reveal, atDevice, err := device.Reveal(approver.Answer())
		require.NoError(t, err)
		require.NotEqual(t, atDevice, recovery.CodeOf(recovery.ForDevice, account, forged, approver.Answer(), reveal),
			"not even if the relay had found a way to open the commitment")
		_, err = approver.Compare(reveal)
		require.Equal(t, recovery.ErrApproval, err)
		_, err = approver.Grant()
		require.Equal(t, recovery.ErrUsed, err)
	})

	// And with a commitment of the relay's own, whose r1 it cannot give a second time.
	t.Run("another commitment", func(t *testing.T) {
		device := request(t, recovery.ForDevice)
		honest := device.Ask()
		forged := refAsk(1, honest[2:1218], refCommitment(honest[2:1218], guess))
		approver, err := k.Approve(forged)
		require.NoError(t, err)
		reveal, atDevice, err := device.Reveal(approver.Answer())
		require.NoError(t, err)
		require.NotEqual(t, atDevice, recovery.CodeOf(recovery.ForDevice, account, forged, approver.Answer(), reveal))
		_, err = approver.Compare(reveal)
		require.Equal(t, recovery.ErrApproval, err)
	})
}
