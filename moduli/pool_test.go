package moduli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

func TestPool(t *testing.T) {
	var records []*moduli.Record
	for i := range 4 {
		records = append(records, newRecord(t, fmt.Sprint("pool ", i)))
	}
	p, err := moduli.NewPool(records...)
	require.NoError(t, err)
	require.Equal(t, records, p.Records())
	_, err = moduli.NewPool(records[0], records[0])
	requireMalformed(t, err, "two records have the same modulus")
	_, err = p.With(records[2])
	requireMalformed(t, err, "two records have the same modulus")

	picked := make(map[*moduli.Record]int)
	for range 400 {
		r, err := p.Pick(keys, purpose, created)
		require.NoError(t, err)
		picked[r]++
	}
	require.Len(t, picked, 4)
	for _, n := range picked {
		require.InDelta(t, 100, n, 60)
	}

	// Retired, and still found.
	n := records[1].Modulus().N
	retired := p.Retire(n)
	for range 100 {
		require.NotEqual(t, records[1], must(retired.Pick(keys, purpose, created)))
	}
	require.Equal(t, records[1], retired.Find(n))
	require.True(t, retired.Retired(n))
	require.False(t, p.Retired(n))
	require.False(t, retired.Retired(records[0].Modulus().N))
	require.Equal(t, records[1], p.Find(n))
	require.Nil(t, p.Find([]byte{1}))
	require.Equal(t, p.Text(), p.Retire([]byte{1}, nil).Text())
	require.NotEqual(t, p.Text(), retired.Text(), "a pool does not change")

	for _, q := range []*moduli.Pool{p, retired, must(moduli.NewPool())} {
		again, err := moduli.ParsePool(q.Text())
		require.NoError(t, err)
		require.Equal(t, q.Text(), again.Text())
	}
	again := must(moduli.ParsePool(retired.Text()))
	for range 100 {
		require.NotEqual(t, records[1].Text(), must(again.Pick(keys, purpose, created)).Text())
	}
}

// TestPickNeverTakes a record that is expired, for another purpose, unsigned,
// altered, or signed by another key.
func TestPickNeverTakes(t *testing.T) {
	other := must(moduli.GenerateKey(created, time.Time{}))
	f := func(i int) moduli.SearchResult { return find(t, fmt.Sprint("pool ", i)) }
	expired := must(key.Sign(must(moduli.NewRecord(f(0), purpose, created.Add(-time.Hour), created.Add(-1)))))
	foreign := must(key.Sign(must(moduli.NewRecord(f(1), "another purpose", created, notAfter))))
	unsigned := must(moduli.NewRecord(f(2), purpose, created, notAfter))
	somebody := must(other.Sign(must(moduli.NewRecord(f(3), purpose, created, notAfter))))
	data := newRecord(t, "pool 4").Bytes()
	data[len(data)-1] ^= 1
	altered := must(moduli.ParseRecord(data))
	p := must(moduli.NewPool(expired, foreign, unsigned, somebody, altered))
	_, err := p.Pick(keys, purpose, created)
	require.ErrorIs(t, err, moduli.ErrEmpty)
	require.ErrorIs(t, err, moduli.ErrExpired)
	for _, reason := range []string{"for another purpose", "not signed", "unknown key", "wrong signature"} {
		requireUntrusted(t, err, reason)
	}
	_, err = must(moduli.NewPool()).Pick(keys, purpose, created)
	require.ErrorIs(t, err, moduli.ErrEmpty)

	good := newRecord(t, "demo")
	p = must(p.With(good))
	for range 20 {
		require.Equal(t, good, must(p.Pick(keys, purpose, created)))
	}
	_, err = p.Pick(keys, purpose, notAfter.Add(time.Second))
	require.ErrorIs(t, err, moduli.ErrEmpty)
}

func TestParsePoolIsStrict(t *testing.T) {
	line := newRecord(t, "demo").Text() + "\n"
	for _, text := range []string{
		"\n", line + "\n", strings.TrimSuffix(line, "\n"), " " + line, "# comment\n" + line, "Retired " + line,
		"retired retired " + line, "retired\n", strings.Replace(line, "\n", "\r\n", 1), line + "x",
	} {
		_, err := moduli.ParsePool(text)
		require.ErrorIs(t, err, moduli.ErrMalformed, "%.60q", text)
	}
	_, err := moduli.ParsePool(line + "retired " + line)
	requireMalformed(t, err, "two records have the same modulus")
	_, err = moduli.ParsePool(strings.Repeat("x", moduli.MaxPool+1))
	require.ErrorIs(t, err, moduli.ErrMalformed)
}

func FuzzParsePool(f *testing.F) {
	line := newRecord(f, "demo").Text() + "\n"
	f.Add(line)
	f.Add("retired " + line)
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := moduli.ParsePool(text); err == nil {
			require.Equal(t, text, p.Text())
		}
	})
}
