package approval_test

import (
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

// TestTypedHalves: people type a half in many ways.
func TestTypedHalves(t *testing.T) {
	const want = "01A0QZ"
	for _, typed := range []string{
		"01A-0QZ", "01A0QZ", "01a0qz", "01a-0qz", " 01A-0QZ\r\n", "0 1 A 0 Q Z", "O1A-OQZ", "oia-oqz", "0LA-0QZ", "0la-oqz", "0IA-0QZ",
		"0\u0131a-0qz",              // the dotless i of a Turkish keyboard
		"01A\u20100QZ",              // hyphen
		"01A\u20110QZ",              // non-breaking hyphen
		"01A\u20130QZ",              // en dash
		"01A\u20140QZ",              // em dash
		"01A\u22120QZ",              // minus
		"01A\u00ad0QZ",              // soft hyphen
		"01A\u30fb0QZ",              // katakana middle dot, a hyphen of Unicode
		"01A\uff0d0QZ",              // full-width hyphen
		"01A\u00a0-\u30000QZ",       // white space
		"\ufeff01A-\u200b0QZ",       // no width
		"\u202d01A\u200d-0QZ\u200f", // marks of direction, joiners
		strings.Repeat("-", 250) + want,
	} {
		require.True(t, approval.Matches(typed, want), "%q", typed)
	}
	for _, typed := range []string{
		"", " ", "-", "01A-0QY", "01A-0Q", "01A-0QZZ", "01A-0QZ-01A-0QZ", "0QZ-01A", "01A_0QZ", "01A.0QZ", "U1A-0QZ", "01A-0QZ\x00", "01A-0Q\xff",
		"01A-0QZ\u0301", strings.Repeat("-", 251) + want, strings.Repeat(" ", 1<<20) + want,
	} {
		require.False(t, approval.Matches(typed, want), "%.50q", typed)
	}
}

// similar returns a half with the letters that people confuse with digits.
func similar(half string) string {
	return strings.ToLower(strings.NewReplacer("0", "O", "1", "l", "-", " \u2013 ").Replace(half))
}

// TestTypedAtBothSides: both sides take a half as people type it.
func TestTypedAtBothSides(t *testing.T) {
	for found := 0; found < 2; {
		s := newSession(t, approval.Device)
		if !strings.ContainsAny(s.atR, "01") || !strings.ContainsAny(s.atA, "01") {
			continue
		}
		found++
		require.NoError(t, s.a.Check(similar(s.atR)))
		requireOpens(t, s.r, s.grant(t), similar(s.atA))
	}
}

// wrongHalves returns what is not the right half, given both of a session.
func wrongHalves(right, crossed string) []string {
	wrong := []string{"", " ", "-", crossed, right + "0", right[:6], right + right, strings.Repeat(" ", 300) + right}
	for i := range right {
		b := []byte(right)
		if b[i] = 'Z'; right[i] == 'Z' {
			b[i] = 'Y'
		}
		wrong = append(wrong, string(b))
	}
	return wrong
}

// TestWrongHalfAtTheApprover: it ends the approval, and nothing is released.
func TestWrongHalfAtTheApprover(t *testing.T) {
	for i := range wrongHalves("000-000", "") {
		s := newSession(t, approval.Device)
		typed := wrongHalves(s.atR, s.atA)[i]
		require.Equal(t, approval.ErrUntrusted, s.a.Check(typed), "%q", typed)
		require.Equal(t, approval.ErrUsed, s.a.Check(s.atR))
		requireApprovalOver(t, s.a)
	}
}

// TestWrongHalfAtTheRequester: it ends the request, whatever the grant is.
func TestWrongHalfAtTheRequester(t *testing.T) {
	s := newSession(t, approval.Device)
	grant := s.grant(t)
	for _, typed := range wrongHalves(s.atA, s.atR) {
		for _, grant := range [][]byte{grant, nil, flip(grant, 0), make([]byte, 1<<20)} {
			r := approval.Again(s.r)
			requireRefuses(t, approval.ErrUntrusted, r, grant, typed, "%q", typed)
			requireRefuses(t, approval.ErrUsed, r, grant, s.atA)
			requireRequestOver(t, r)
		}
	}
	requireOpens(t, s.r, grant, s.atA)
}

// TestHalfByQRCode: there is no half to type.
func TestHalfByQRCode(t *testing.T) {
	r, c := newScan(t, approval.Device)
	grant, err := c.Grant(payload)
	require.NoError(t, err)
	for _, typed := range []string{" ", "-", "K7M-2QX", "000-000"} {
		again := approval.Again(r)
		requireRefuses(t, approval.ErrUntrusted, again, grant, typed)
		requireRequestOver(t, again)
	}
	requireOpens(t, r, grant, "")

	// Neither way was taken, so no grant can be right.
	fresh := newRequest(t, approval.Device)
	requireRefuses(t, approval.ErrMalformed, fresh, nil, "")
	requireRefuses(t, approval.ErrUntrusted, fresh, make([]byte, 2000), "")
	require.NotNil(t, fresh.Ask(), "it goes on")
	requireRefuses(t, approval.ErrUntrusted, fresh, nil, "000-000")
	requireRequestOver(t, fresh)
}

// TestCodeDependsOnEverything that either side has said or knows.
func TestCodeDependsOnEverything(t *testing.T) {
	v := loadAnswers(t)[1]
	seen := make(map[string]bool)
	shown := func(p approval.Purpose, account, seed, answer, r1 []byte) {
		r := approval.RequestOf(t, p, [16]byte(account), seed, nil, r1)
		_, _, err := r.Reveal(answer)
		require.NoError(t, err)
		for _, half := range bothHalves(r) {
			require.False(t, seen[half])
			seen[half] = true
		}
	}
	shown(approval.Device, v.Account, v.Seed, v.Answer, v.R1)
	require.True(t, seen[v.RequesterHalf] && seen[v.ApproverHalf])
	shown(approval.Share, v.Account, v.Seed, v.Answer, v.R1)
	shown(approval.Device, flip(v.Account, 0), v.Seed, v.Answer, v.R1)
	shown(approval.Device, flip(v.Account, 15), v.Seed, v.Answer, v.R1)
	shown(approval.Device, v.Account, flip(v.Seed, 0), v.Answer, v.R1)
	for _, at := range []int{0, 1087, 1088, 1119, 1120, 1151} {
		shown(approval.Device, v.Account, v.Seed, flip(v.Answer, at), v.R1)
	}
	shown(approval.Device, v.Account, v.Seed, v.Answer, flip(v.R1, 0))
	shown(approval.Device, v.Account, v.Seed, v.Answer, flip(v.R1, 31))
}

func bothHalves(r *approval.Request) []string {
	requester, approver := approval.HalvesOfRequest(r)
	return []string{requester, approver}
}
