package moduli_test

import (
	"bytes"
	"context"
	"crypto/sha3"
	"math/big"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

// must returns v, for calls that cannot fail here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// requireMalformed requires an ErrMalformed with the reason.
func requireMalformed(t testing.TB, err error, reason string) {
	t.Helper()
	require.ErrorIs(t, err, moduli.ErrMalformed)
	require.ErrorContains(t, err, reason)
}

// requireUntrusted requires an ErrUntrusted with the reason.
func requireUntrusted(t testing.TB, err error, reason string) {
	t.Helper()
	require.ErrorIs(t, err, moduli.ErrUntrusted)
	require.ErrorContains(t, err, reason)
}

// find returns the modulus of 512 bits of a label.
func find(t testing.TB, label string) moduli.SearchResult {
	f, err := moduli.Generate(t.Context(), must(moduli.VerifiableStart(512, label, 0)))
	require.NoError(t, err)
	return f
}

func TestVerifiableStart(t *testing.T) {
	for _, bits := range []int{512, 1024, 2048, 3072, 4096, 8192} {
		s, err := moduli.VerifiableStart(bits, "label", 7)
		require.NoError(t, err)
		h := sha3.NewSHAKE256()
		h.Write([]byte("nescio/moduli/v1\x00\x00\x00"))
		h.Write([]byte{byte(bits >> 8), byte(bits)})
		h.Write([]byte("\x00\x05label\x00\x00\x00\x07"))
		want := make([]byte, bits/8)
		h.Read(want)
		want[0] |= 0x80
		require.Equal(t, want, s.Bytes())
		require.Equal(t, bits, s.Bits())
		require.Equal(t, "label", s.Label())
		require.Equal(t, uint32(7), s.Counter())
	}
	seen := make(map[string]bool)
	for _, label := range []string{"a", "b", "ab"} {
		for counter := range uint32(3) {
			seen[string(must(moduli.VerifiableStart(512, label, counter)).Bytes())] = true
		}
	}
	require.Len(t, seen, 9)
	for _, bits := range []int{-8, 0, 504, 511, 513, 2047, 8200, 1 << 20} {
		_, err := moduli.VerifiableStart(bits, "label", 0)
		requireMalformed(t, err, "512 to 8192 bits")
		_, err = moduli.RandomStart(bits)
		requireMalformed(t, err, "512 to 8192 bits")
	}
	for _, label := range []string{"", strings.Repeat("l", 256)} {
		_, err := moduli.VerifiableStart(512, label, 0)
		requireMalformed(t, err, "a label must be 1 to 255 bytes long")
	}
}

func TestRandomStartsDiffer(t *testing.T) {
	a, b := must(moduli.RandomStart(512)), must(moduli.RandomStart(512))
	require.NotEqual(t, a.Bytes(), b.Bytes())
	require.Empty(t, a.Label())
	require.Len(t, a.Bytes(), 64)
	require.NotZero(t, a.Bytes()[0]&0x80)
}

// TestGenerate pins the result of a verifiable start, which may never change.
func TestGenerate(t *testing.T) {
	f := find(t, "demo")
	require.Equal(t, 2, f.G)
	require.Equal(t, 512, f.Bits())
	require.NoError(t, f.Verify(t.Context()))
	n := new(big.Int).SetBytes(f.Start.Bytes())
	n.Add(n, new(big.Int).SetUint64(f.Offset))
	require.Equal(t, n.Bytes(), f.N)
	require.Equal(t, int64(11), n.Mod(n, big.NewInt(24)).Int64())
	require.Equal(t, uint64(1454539), f.Offset)

	random, err := moduli.Generate(t.Context(), must(moduli.RandomStart(512)))
	require.NoError(t, err)
	require.NoError(t, random.Verify(t.Context()))
	require.False(t, f.Equal(random.Modulus))

	_, err = moduli.Generate(t.Context(), moduli.Start{})
	requireMalformed(t, err, "no start")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = moduli.Generate(ctx, f.Start)
	require.ErrorIs(t, err, context.Canceled)
}

// TestSearchGoesOnElsewhere: a search that is stopped, stored and continued by
// another process has the same result.
func TestSearchGoesOnElsewhere(t *testing.T) {
	start := must(moduli.VerifiableStart(768, "elsewhere", 0))
	want, err := moduli.Generate(t.Context(), start)
	require.NoError(t, err)
	s := must(moduli.NewSearch(start))
	s.Workers = 1
	for stops := 0; ; stops++ {
		ctx, cancel := context.WithCancel(t.Context())
		got, err := s.Run(ctx, func(p moduli.Progress) {
			if p.Tests > 20 && stops < 5 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			require.Equal(t, want, got)
			return
		}
		require.ErrorIs(t, err, context.Canceled)
		saved, err := s.MarshalBinary()
		require.NoError(t, err)
		s = new(moduli.Search)
		require.NoError(t, s.UnmarshalBinary(saved))
		again, err := s.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, saved, again)
		require.Equal(t, start, s.Start())
	}
}

// TestRangesMerge: the smallest result of several ranges is the result of the
// whole search.
func TestRangesMerge(t *testing.T) {
	want := find(t, "ranges")
	whole := must(moduli.NewSearch(want.Start))
	const size = 7000
	var best *moduli.SearchResult
	for i := uint64(5); i < 6; i-- { // backwards, as if the last machine were the first to end
		part, err := whole.Range(i*size, (i+1)*size)
		require.NoError(t, err)
		saved := must(part.MarshalBinary())
		part = new(moduli.Search)
		require.NoError(t, part.UnmarshalBinary(saved))
		f, err := part.Run(t.Context(), nil)
		if err != nil {
			require.ErrorIs(t, err, moduli.ErrExhausted)
			require.Equal(t, (i+1)*size, part.Next())
			continue
		}
		require.Equal(t, i*size, f.FirstSlot, "the result names its range")
		if best == nil || f.Offset < best.Offset {
			best = &f
		}
	}
	require.NotNil(t, best)
	best.FirstSlot = 0 // every earlier range is exhausted
	require.Equal(t, want, *best)
	first, end := whole.Slots()
	require.Zero(t, first)
	require.Equal(t, uint64(1<<40), end)
	for _, r := range [][2]uint64{{1, 1}, {2, 1}, {0, 1<<40 + 1}} {
		_, err := whole.Range(r[0], r[1])
		requireMalformed(t, err, "range of slots")
	}
}

// TestNothingAboveTheSize: a search ends at the last number of its size.
func TestNothingAboveTheSize(t *testing.T) {
	ones := bytes.Repeat([]byte{0xff}, 64)
	f := must(moduli.ImportedResult(moduli.Modulus{N: ones, G: 2}))
	_, err := moduli.Generate(t.Context(), f.Start)
	require.ErrorIs(t, err, moduli.ErrExhausted)
	copy(ones[62:], []byte{0xf0, 1}) // 171 slots, in which there happens to be none
	f = must(moduli.ImportedResult(moduli.Modulus{N: ones, G: 2}))
	s := must(moduli.NewSearch(f.Start))
	_, err = s.Run(t.Context(), nil)
	require.ErrorIs(t, err, moduli.ErrExhausted)
	require.InDelta(t, 4096/24, s.Next(), 1)
}

func TestProgress(t *testing.T) {
	var last moduli.Progress
	s := must(moduli.NewSearch(must(moduli.VerifiableStart(512, "progress", 0))))
	f, err := s.Run(t.Context(), func(p moduli.Progress) {
		require.GreaterOrEqual(t, p.Next, last.Next)
		last = p
	})
	require.NoError(t, err)
	require.Equal(t, s.Next(), last.Next)
	require.Equal(t, f.Offset/24, last.Next)
	require.Positive(t, last.Tests)
	require.Positive(t, last.Elapsed)
	require.InDelta(t, 15_900, last.Expected, 200)
	require.Greater(t, last.ExpectedTests, 20.0)
	require.Less(t, last.ExpectedTests, 400.0)
}

func TestVerifySaysWhatIsWrong(t *testing.T) {
	good := find(t, "demo").Modulus
	change := func(f func(n *big.Int)) moduli.Modulus {
		n := new(big.Int).SetBytes(good.N)
		f(n)
		return moduli.Modulus{N: n.Bytes(), G: 2}
	}
	for name, c := range map[string]struct {
		m    moduli.Modulus
		want error
	}{
		"good":          {good, nil},
		"even":          {change(func(n *big.Int) { n.Sub(n, big.NewInt(1)) }), moduli.ErrSize},
		"nothing":       {moduli.Modulus{G: 2}, moduli.ErrSize},
		"half":          {change(func(n *big.Int) { n.Rsh(n, 1).SetBit(n, 0, 1) }), moduli.ErrSize},
		"zero in front": {moduli.Modulus{N: append([]byte{0}, good.N...), G: 2}, moduli.ErrSize},
		"16,384 bits":   {moduli.Modulus{N: bytes.Repeat([]byte{0xff}, 2048), G: 2}, moduli.ErrSize},
		"composite":     {change(func(n *big.Int) { n.Add(n, big.NewInt(24)) }), moduli.ErrNotPrime},
		"residue":       {moduli.Modulus{N: good.N, G: 4}, moduli.ErrGenerator},
		"g = 1":         {moduli.Modulus{N: good.N, G: 1}, moduli.ErrGenerator},
	} {
		if c.want == nil {
			require.NoError(t, c.m.Verify(t.Context()), name)
			continue
		}
		require.Equal(t, c.want, c.m.Verify(t.Context()), name)
	}
	// The next prime p of the class for which q = (p−1)/2 is composite.
	p := new(big.Int).SetBytes(good.N)
	for p.Add(p, big.NewInt(24)); !p.ProbablyPrime(20) || new(big.Int).Rsh(p, 1).ProbablyPrime(20); p.Add(p, big.NewInt(24)) {
	}
	require.Equal(t, moduli.ErrNotSafe, moduli.Modulus{N: p.Bytes(), G: 2}.Verify(t.Context()))

	// N is tested first, then g, then q.
	for _, g := range []int{4, 1, 0, -1} {
		require.Equal(t, moduli.ErrGenerator, moduli.Modulus{N: p.Bytes(), G: g}.Verify(t.Context()))
		composite := change(func(n *big.Int) { n.Add(n, big.NewInt(24)) })
		composite.G = g
		require.Equal(t, moduli.ErrNotPrime, composite.Verify(t.Context()))
	}
	require.Equal(t, moduli.ErrSize, moduli.Modulus{N: p.Bytes()[1:], G: 4}.Verify(t.Context()))
}

// TestMemoryIsBounded: a search of 4096 bits with 16 workers needs at most 4
// MiB for each worker.
func TestMemoryIsBounded(t *testing.T) {
	s := must(moduli.NewSearch(must(moduli.VerifiableStart(4096, "memory", 0))))
	s.Workers = 16
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before, most := stats.HeapAlloc, uint64(0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapAlloc)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	_, err := s.Run(ctx, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	<-done
	require.Greater(t, most, before+4<<20, "the search was measured at work")
	require.Less(t, most, before+64<<20)
}

func TestSearchEncodingIsStrict(t *testing.T) {
	for _, start := range []moduli.Start{must(moduli.RandomStart(512)), must(moduli.VerifiableStart(512, "strict", 3))} {
		data := must(must(moduli.NewSearch(start)).MarshalBinary())
		for b := range testvec.Lengths(data) {
			s := must(moduli.NewSearch(start))
			require.ErrorIs(t, s.UnmarshalBinary(b), moduli.ErrMalformed)
			require.Equal(t, data, must(s.MarshalBinary()), "it stays as it was")
		}
		slow := bytes.Clone(data)
		slow[len(slow)-8] = 0x7f // a time of 290 years
		require.ErrorIs(t, new(moduli.Search).UnmarshalBinary(slow), moduli.ErrMalformed)
		beyond := bytes.Clone(data)
		beyond[len(beyond)-32+2] = 2 // next = 2^41, behind the end
		require.ErrorIs(t, new(moduli.Search).UnmarshalBinary(beyond), moduli.ErrMalformed)
	}
}

func TestZeroSearch(t *testing.T) {
	_, err := new(moduli.Search).MarshalBinary()
	requireMalformed(t, err, "no start")
	_, err = moduli.NewSearch(moduli.Start{})
	requireMalformed(t, err, "no start")
}

func FuzzSearch(f *testing.F) {
	f.Add(must(must(moduli.NewSearch(must(moduli.VerifiableStart(512, "fuzz", 3)))).MarshalBinary()))
	f.Add(must(must(moduli.NewSearch(must(moduli.RandomStart(512)))).MarshalBinary()))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s moduli.Search
		if s.UnmarshalBinary(data) == nil {
			require.Equal(t, data, must(s.MarshalBinary()))
		}
	})
}
