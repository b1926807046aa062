package testvec_test

import (
	"testing"
	"testing/fstest"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// recorder stands in for a test, to see what a check makes of a bad value.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic(r) }

func failed(f func(t testing.TB)) bool {
	r := new(recorder)
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		f(r)
	}()
	return r.failed
}

type vector struct {
	In  testvec.Hex    `json:"in"`
	Out testvec.Base64 `json:"out"`
}

func TestLoad(t *testing.T) {
	load := func(text string) (v []vector, bad bool) {
		fsys := fstest.MapFS{"v.json": {Data: []byte(text)}}
		bad = failed(func(t testing.TB) { v = testvec.Load[[]vector](t, fsys, "v.json") })
		return v, bad
	}
	v, bad := load(`{"source": "here", "vectors": [{"in": "00fF", "out": "AQI="}]}`)
	require.False(t, bad)
	require.Equal(t, []vector{{In: testvec.Hex{0, 255}, Out: testvec.Base64{1, 2}}}, v)

	for name, text := range map[string]string{
		"no source":       `{"vectors": []}`,
		"unknown field":   `{"source": "here", "vectors": [{"inn": "00"}]}`,
		"trailing data":   `{"source": "here", "vectors": []} {}`,
		"odd hexadecimal": `{"source": "here", "vectors": [{"in": "0"}]}`,
		"loose base64":    `{"source": "here", "vectors": [{"out": "AQJ="}]}`,
		"no vectors":      `{"source": "here"}`,
	} {
		_, bad := load(text)
		require.True(t, bad, name)
	}
}

func TestLengths(t *testing.T) {
	n := 0
	for b := range testvec.Lengths([]byte{1, 2, 3}) {
		require.NotEqual(t, []byte{1, 2, 3}, b)
		n++
	}
	require.Equal(t, 3+2*16, n)
}

func TestBitFlips(t *testing.T) {
	seen := make(map[string]bool)
	for _, b := range testvec.BitFlips([]byte{0, 255}) {
		seen[string(b)] = true
	}
	require.Len(t, seen, 16)
	require.False(t, seen["\x00\xff"])
}

func TestAccumulatedIsDeterministic(t *testing.T) {
	run := func(label string) string {
		a := testvec.NewAccumulated(label)
		for range 3 {
			a.Output(a.Input(10))
		}
		return a.Digest()
	}
	require.Equal(t, run("a"), run("a"))
	require.NotEqual(t, run("a"), run("b"))
}
