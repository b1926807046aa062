package recovery_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// states are what a Client keeps: one confirmed header, with and without a
// candidate, and a state after an approval.
func states(t testing.TB) [][]byte {
	t.Helper()
	first := must(recovery.Create(t.Context(), phrase(), exportKey(1)))
	next := change(t, first.Stored(), rotate)
	return [][]byte{
		must(recovery.State(first, nil)), must(recovery.State(first, next)), must(recovery.JoinedState(first.Checkpoint())),
	}
}

func refuseState(t testing.TB, b []byte, why string) {
	t.Helper()
	_, err := recovery.ReadState(b)
	require.Equal(t, recovery.ErrMalformed, err, why)
}

// TestStateForm: the state of a Client has one form.
func TestStateForm(t *testing.T) {
	empty, err := recovery.ReadState(nil)
	require.NoError(t, err)
	require.Nil(t, empty)
	for _, b := range states(t) {
		again, err := recovery.ReadState(b)
		require.NoError(t, err)
		require.Equal(t, b, again)
		for n, wrong := range enumerate(testvec.Lengths(b)) {
			if n > 0 && (n < 600 || n%53 == 0 || n > len(b)-200) {
				refuseState(t, wrong, "length")
			}
		}
		refuseState(t, append([]byte("N\x01"), b[2:]...), "kind")
		refuseState(t, append([]byte("L\x02"), b[2:]...), "version")
	}
	refuseState(t, make([]byte, recovery.MaxState+1), "too long")
	refuseState(t, append([]byte("L\x01"), make([]byte, 12)...), "neither header nor checkpoint")
}

// TestStatePartsBelongTogether: a state with parts of two accounts or of two
// histories is malformed.
func TestStatePartsBelongTogether(t *testing.T) {
	first, other := must(recovery.Create(t.Context(), phrase())), must(recovery.Create(t.Context(), phrase()))
	next := change(t, first.Stored(), rotate)
	after := change(t, next.Stored(), rotate)
	sibling := change(t, first.Stored(), rotate)
	state := func(confirmed, header, checkpoint, candidate []byte) []byte {
		b := []byte("L\x01")
		for _, part := range [][2][]byte{{confirmed, header}, {checkpoint, candidate}} {
			b = append(append(b, refU16(len(part[0]))...), part[0]...)
			n := len(part[1])
			b = append(append(b, byte(n>>16), byte(n>>8), byte(n)), part[1]...)
		}
		return append(b, 0, 0)
	}
	h := func(d *recovery.Draft) []byte { return d.Header().Bytes() }
	c := func(d *recovery.Draft) []byte { return must(d.Checkpoint().MarshalBinary()) }
	for name, good := range map[string][]byte{
		"confirmed":      state(c(first), h(first), nil, nil),
		"with candidate": state(c(first), h(first), c(next), h(next)),
		"creating":       state(nil, nil, c(first), h(first)),
		"joined":         state(c(first), nil, nil, nil),
	} {
		again, err := recovery.ReadState(good)
		require.NoError(t, err, name)
		require.Equal(t, good, again)
	}
	for name, bad := range map[string][]byte{
		"nothing":                     state(nil, nil, nil, nil),
		"a header alone":              state(nil, h(first), nil, nil),
		"a candidate alone":           state(c(first), h(first), nil, h(next)),
		"its checkpoint alone":        state(c(first), h(first), c(next), nil),
		"another header":              state(c(first), h(next), nil, nil),
		"another account's header":    state(c(first), h(other), nil, nil),
		"another candidate":           state(c(first), h(first), c(next), h(sibling)),
		"a candidate too far":         state(c(first), h(first), c(after), h(after)),
		"a candidate of before":       state(c(next), h(next), c(first), h(first)),
		"another account's candidate": state(c(first), h(first), c(other), h(other)),
		"an unconfirmed one":          state(must(next.Unconfirmed().MarshalBinary()), h(next), nil, nil),
		"a damaged header":            state(c(first), h(first)[:len(h(first))-1], nil, nil),
		"a damaged checkpoint":        state(c(first)[1:], h(first), nil, nil),
	} {
		refuseState(t, bad, name)
	}
	good := state(c(first), h(first), nil, nil)
	for n := 1; n < 256; n++ { // counts without what they count
		refuseState(t, append(bytes.Clone(good[:len(good)-2]), byte(n), 0), "seen")
		refuseState(t, append(bytes.Clone(good[:len(good)-1]), byte(n)), "digests")
		full := append(bytes.Clone(good[:len(good)-1]), byte(n))
		_, err := recovery.ReadState(append(full, random(32*n)...))
		require.Equal(t, n <= 64, err == nil, "%d digests", n)
	}
}
