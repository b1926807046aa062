package moduli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

const purpose = "example.org/srp"

var (
	day      = 24 * time.Hour
	created  = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	notAfter = created.Add(365 * day)
	key      = must(moduli.GenerateKey(created.Add(-day), created.Add(day)))
	keys     = moduli.NewKeys(key.Public())
)

// newRecord returns a signed record of the modulus of a label.
func newRecord(t testing.TB, label string) *moduli.Record {
	r, err := moduli.NewRecord(find(t, label), purpose, created, notAfter)
	require.NoError(t, err)
	r, err = key.Sign(r)
	require.NoError(t, err)
	return r
}

func TestRecord(t *testing.T) {
	r := newRecord(t, "demo")
	f := find(t, "demo")
	require.Equal(t, f.Modulus, r.Modulus())
	require.Equal(t, f, r.Result())
	part := f
	part.FirstSlot = 7
	require.Equal(t, f, must(moduli.NewRecord(part, purpose, created, notAfter)).Result(), "a record does not say which slots were searched")
	clear(r.Result().N)
	require.Equal(t, f.Modulus, r.Modulus())
	require.Equal(t, purpose, r.Purpose())
	require.Equal(t, created, r.Created())
	require.Equal(t, notAfter, r.NotAfter())
	id, signed := r.KeyID()
	require.True(t, signed)
	require.Equal(t, key.Public().ID(), id)
	require.Len(t, id.String(), 32)
	require.NoError(t, keys.Check(r, purpose))

	again, err := moduli.ParseRecord(r.Bytes())
	require.NoError(t, err)
	require.Equal(t, r, again)
	again, err = moduli.ParseRecordText(r.Text())
	require.NoError(t, err)
	require.Equal(t, r, again)
	require.LessOrEqual(t, len(r.Bytes()), moduli.MaxRecord)

	unsigned := must(moduli.NewRecord(f, purpose, created, notAfter))
	_, signed = unsigned.KeyID()
	require.False(t, signed)
	again, err = moduli.ParseRecord(unsigned.Bytes())
	require.NoError(t, err)
	require.Equal(t, unsigned, again)
	clear(r.Modulus().N)
	require.Equal(t, f.N, r.Modulus().N, "it is a copy")
}

// TestNothingOfASignedRecordCanChange flips bits and changes the length.
func TestNothingOfASignedRecordCanChange(t *testing.T) {
	data := newRecord(t, "demo").Bytes()
	refused := 0
	for bit, altered := range testvec.BitFlips(data) {
		if bit > 8*300 && bit%37 != 0 {
			continue // a sample of the signatures
		}
		r, err := moduli.ParseRecord(altered)
		if err != nil {
			require.ErrorIs(t, err, moduli.ErrMalformed)
			refused++
			continue
		}
		require.Error(t, keys.Check(r, purpose), "bit %d", bit)
	}
	require.Greater(t, refused, 500, "N, start and offset contradict each other")
	for altered := range testvec.Lengths(data) {
		_, err := moduli.ParseRecord(altered)
		require.ErrorIs(t, err, moduli.ErrMalformed)
	}
}

// TestBothSignaturesCount: breaking one of the algorithms is not enough.
func TestBothSignaturesCount(t *testing.T) {
	data := newRecord(t, "demo").Bytes()
	for _, at := range []int{len(data) - 3309 - 64, len(data) - 3309} { // Ed25519, ML-DSA
		for _, offset := range []int{0, 10, 40} {
			altered := bytes.Clone(data)
			altered[at+offset] ^= 1
			r, err := moduli.ParseRecord(altered)
			require.NoError(t, err)
			requireUntrusted(t, keys.Check(r, purpose), "wrong signature")
		}
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	r := newRecord(t, "demo")
	require.NoError(t, keys.Check(r, purpose))
	requireUntrusted(t, keys.Check(r, "example.org/other"), "for another purpose")
	requireUntrusted(t, keys.Check(r, ""), "for another purpose")
	requireUntrusted(t, keys.Check(must(moduli.NewRecord(find(t, "demo"), purpose, created, notAfter)), purpose), "not signed")

	other := must(moduli.GenerateKey(created, time.Time{}))
	requireUntrusted(t, keys.Check(must(other.Sign(r)), purpose), "unknown key")
	requireUntrusted(t, new(moduli.Keys).Check(r, purpose), "unknown key")
	both := moduli.NewKeys(key.Public(), other.Public())
	require.NoError(t, both.Check(r, purpose), "the old key still verifies")
	require.NoError(t, both.Check(must(other.Sign(r)), purpose))

	require.NoError(t, keys.CheckNew(r, purpose, notAfter))
	require.NoError(t, keys.CheckNew(r, purpose, created))
	requireUntrusted(t, keys.CheckNew(r, purpose, created.Add(-time.Second)), "created in the future")
	require.Equal(t, moduli.ErrExpired, keys.CheckNew(r, purpose, notAfter.Add(time.Second)))
	requireUntrusted(t, keys.CheckNew(r, "other", notAfter), "for another purpose")
	require.NoError(t, keys.Check(r, purpose), "accounts that have it can still log in")

	// A signature under the id of another key.
	data := must(other.Sign(r)).Bytes()
	id := key.Public().ID()
	copy(data[len(data)-3309-64-16:], id[:])
	requireUntrusted(t, keys.Check(must(moduli.ParseRecord(data)), purpose), "wrong signature")
}

func TestKeysSignInTheirWindow(t *testing.T) {
	f := find(t, "demo")
	for _, c := range []struct {
		at time.Time
		ok bool
	}{
		{created.Add(-day - time.Second), false}, {created.Add(-day), true}, {created, true},
		{created.Add(day), true}, {created.Add(day + time.Second), false},
	} {
		r := must(moduli.NewRecord(f, purpose, c.at, notAfter))
		_, err := key.Sign(r)
		if c.ok {
			require.NoError(t, err)
			continue
		}
		requireUntrusted(t, err, "outside the window")
	}
	late := must(moduli.NewRecord(f, purpose, created.Add(2*day), notAfter))
	requireUntrusted(t, keys.Check(must(key.SignAnyway(late)), purpose), "outside the window")
	for _, end := range []time.Time{created, created.Add(-1)} {
		_, err := moduli.GenerateKey(created, end)
		requireMalformed(t, err, "window of a key")
	}
	_, err := moduli.GenerateKey(time.Time{}, time.Time{})
	requireMalformed(t, err, "window of a key")
	_, err = moduli.GenerateKey(created, time.Unix(0, 0))
	requireMalformed(t, err, "window of a key")

	// The same seeds with another window are another key, which does not verify
	// signatures of the first.
	prefix, encoded, _ := strings.Cut(key.Text(), ":")
	data := must(base64.RawURLEncoding.DecodeString(encoded))
	data[3+8+7]++ // a second later
	wider := must(moduli.ParsePrivateKey(prefix + ":" + base64.RawURLEncoding.EncodeToString(data)))
	r := newRecord(t, "demo").Bytes()
	id := wider.Public().ID()
	copy(r[len(r)-3309-64-16:], id[:])
	requireUntrusted(t, moduli.NewKeys(wider.Public()).Check(must(moduli.ParseRecord(r)), purpose), "wrong signature")

	from, to := key.Public().Window()
	require.Equal(t, created.Add(-day), from)
	require.Equal(t, created.Add(day), to)
	open := must(moduli.GenerateKey(created, time.Time{}))
	_, to = open.Public().Window()
	require.Zero(t, to)
}

func plus(n []byte, d int64) []byte {
	sum := new(big.Int).SetBytes(n)
	return sum.Add(sum, big.NewInt(d)).Bytes()
}

func TestNewRecordRefuses(t *testing.T) {
	f := find(t, "demo")
	wrong := func(change func(f *moduli.SearchResult)) moduli.SearchResult {
		g := f
		g.N = bytes.Clone(f.N)
		change(&g)
		return g
	}
	const (
		length = "1 to 255 bytes"
		times  = "a record must be created"
		origin = "start + offset"
	)
	for name, c := range map[string]struct {
		f         moduli.SearchResult
		purpose   string
		from, end time.Time
		reason    string
	}{
		"no purpose":       {f, "", created, notAfter, length},
		"long purpose":     {f, string(make([]byte, 256)), created, notAfter, length},
		"no time":          {f, purpose, time.Time{}, notAfter, times},
		"end before start": {f, purpose, created, created, times},
		"end in 1970":      {f, purpose, created, time.Unix(0, 0), times},
		"no end":           {f, purpose, created, time.Time{}, times},
		"offset":           {wrong(func(f *moduli.SearchResult) { f.Offset++ }), purpose, created, notAfter, origin},
		"N":                {wrong(func(f *moduli.SearchResult) { f.N[0] ^= 1 }), purpose, created, notAfter, origin},
		"g":                {wrong(func(f *moduli.SearchResult) { f.G = 1 }), purpose, created, notAfter, "the generator"},
		"start":            {wrong(func(f *moduli.SearchResult) { f.Start = moduli.Start{} }), purpose, created, notAfter, origin},
		"label, g = 5":     {wrong(func(f *moduli.SearchResult) { f.G = 5 }), purpose, created, notAfter, origin},
		"label, class":     {wrong(func(f *moduli.SearchResult) { f.Offset += 2; f.N = plus(f.N, 2) }), purpose, created, notAfter, origin},
		"label, far":       {wrong(func(f *moduli.SearchResult) { f.Offset += 24 << 40; f.N = plus(f.N, 24<<40) }), purpose, created, notAfter, origin},
		"another start":    {wrong(func(f *moduli.SearchResult) { f.Start = must(moduli.VerifiableStart(512, "x", 0)) }), purpose, created, notAfter, origin},
	} {
		_, err := moduli.NewRecord(c.f, c.purpose, c.from, c.end)
		require.ErrorIs(t, err, moduli.ErrMalformed, name)
		require.ErrorContains(t, err, c.reason, name)
	}
	_, err := moduli.NewRecord(moduli.SearchResult{}, purpose, created, notAfter)
	require.Equal(t, moduli.ErrSize, err)
}

func TestImportedResultRefuses(t *testing.T) {
	n := find(t, "demo").N
	for _, c := range []struct {
		m    moduli.Modulus
		want error
	}{
		{moduli.Modulus{}, moduli.ErrSize},
		{moduli.Modulus{N: n[1:], G: 2}, moduli.ErrSize},
		{moduli.Modulus{N: plus(n, 1), G: 2}, moduli.ErrSize},
		{moduli.Modulus{N: n, G: 1}, moduli.ErrGenerator},
	} {
		result, err := moduli.ImportedResult(c.m)
		require.ErrorIs(t, err, c.want)
		require.Zero(t, result)
	}
}

// TestTimesNearTheEnd: the times of a record are numbers of 63 bits. Converted
// to time.Time, the largest of them are before 1970.
func TestTimesNearTheEnd(t *testing.T) {
	open := must(moduli.GenerateKey(created, time.Time{}))
	trusted := moduli.NewKeys(open.Public())
	last := time.Unix(math.MaxInt64, 0)
	check := func(from, end time.Time) error {
		r := must(moduli.NewRecord(find(t, "demo"), purpose, from, end))
		return trusted.CheckNew(must(open.Sign(r)), purpose, created)
	}
	requireUntrusted(t, check(last.Add(-time.Second), last), "created in the future")
	require.NoError(t, check(created, last))
}

// TestSrpAcceptsRecords: a record is the certificate of a group, for a login
// and, until its end, for a registration.
func TestSrpAcceptsRecords(t *testing.T) {
	ref := must(srp.RFC5054Group(2048)).Unverified() // of the class, and proved without a search
	m := moduli.Modulus{N: ref.N, G: ref.G}
	sign := func(end time.Time, k *moduli.PrivateKey) []byte {
		from, _ := k.Public().Window()
		r := must(moduli.NewRecord(must(moduli.ImportedResult(m)), purpose, from, end))
		return must(k.Sign(r)).Bytes()
	}
	now := time.Now()
	current := must(moduli.GenerateKey(now.Add(-2*day), time.Time{}))
	trusted := moduli.NewKeys(current.Public())
	for name, c := range map[string]struct {
		certificate  []byte
		login, fresh bool
	}{
		"current":  {sign(now.Add(day), current), true, true},
		"expired":  {sign(now.Add(-day), current), true, false},
		"foreign":  {sign(now.Add(day), must(moduli.GenerateKey(now.Add(-day), time.Time{}))), false, false},
		"another":  {must(key.Sign(newRecord(t, "demo"))).Bytes(), false, false},
		"nothing":  {nil, false, false},
		"garbage":  {[]byte("garbage"), false, false},
		"unsigned": {must(moduli.NewRecord(must(moduli.ImportedResult(m)), purpose, now, now.Add(day))).Bytes(), false, false},
	} {
		group := srp.UnverifiedGroup{N: m.N, G: m.G, Certificate: c.certificate}
		for policy, ok := range map[bool]bool{false: c.login, true: c.fresh} {
			accept := trusted.GroupPolicy(purpose)
			if policy {
				accept = trusted.RegistrationPolicy(purpose)
			}
			client := must(srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.RFC5054SHA256(0)}, GroupPolicy: accept}))
			registration, _, err := client.Register([]byte("alice"), []byte("pw"))
			require.NoError(t, err)
			_, err = registration.MakeRecord(t.Context(), srp.RFC5054SHA256(0), group, kdf.Params{})
			if ok {
				require.NoError(t, err, name)
			} else {
				require.ErrorIs(t, err, srp.ErrPolicy, name)
			}
		}
	}
	// A record is a certificate for its own modulus only.
	accept := trusted.GroupPolicy(purpose)
	require.NoError(t, accept(m.N, 2, sign(now.Add(day), current)))
	requireUntrusted(t, accept(m.N, 5, sign(now.Add(day), current)), "for another group")
	requireUntrusted(t, accept(find(t, "demo").N, 2, sign(now.Add(day), current)), "for another group")
}

func TestKeyTexts(t *testing.T) {
	for _, k := range []*moduli.PrivateKey{key, must(moduli.GenerateKey(created, time.Time{}))} {
		private, err := moduli.ParsePrivateKey(k.Text())
		require.NoError(t, err)
		require.Equal(t, k.Text(), private.Text())
		public, err := moduli.ParsePublicKey(k.Public().Text())
		require.NoError(t, err)
		require.Equal(t, k.Public().Text(), public.Text())
		require.Equal(t, k.Public().ID(), public.ID())
		require.Equal(t, public.ID(), private.Public().ID())
		r := must(moduli.NewRecord(find(t, "demo"), purpose, created, notAfter))
		require.NoError(t, moduli.NewKeys(public).Check(must(private.Sign(r)), purpose), "the copy signs for the original")
	}
	for _, text := range []string{"", "nescio-moduli-key:", "nescio-moduli-key:TQFQ", key.Text(), key.Public().Text() + "\n", key.Public().Text()[1:]} {
		_, err := moduli.ParsePublicKey(text)
		require.ErrorIs(t, err, moduli.ErrMalformed)
	}
	for _, text := range []string{"", "nescio-moduli-private-key:", key.Public().Text(), key.Text() + "A", key.Text()[:60]} {
		_, err := moduli.ParsePrivateKey(text)
		require.ErrorIs(t, err, moduli.ErrMalformed)
	}
}

// TestPrivateKeysShowNothing: neither by themselves nor in a struct that embeds
// one or has one in an unexported field, behind a pointer or not.
func TestPrivateKeysShowNothing(t *testing.T) {
	text := key.Text()
	_, encoded, _ := strings.Cut(text, ":")
	data := must(base64.RawURLEncoding.DecodeString(encoded))
	secrets := [][]byte{[]byte(text)[len(text)-40:], data[19:51], data[51:83]} // the text, both seeds
	type signer struct {
		name string
		key  *moduli.PrivateKey
	}
	type holder struct{ key moduli.PrivateKey }
	type pair struct{ signer *signer }
	type embedding struct{ *moduli.PrivateKey }
	s := signer{"pool", key}
	for _, v := range []any{key, *key, s, &s, holder{*key}, &holder{*key}, pair{&s}, []signer{s}, map[string]holder{"a": {*key}}, embedding{key}} {
		testvec.Redacted(t, v, secrets...)
	}
	require.Equal(t, "moduli.PrivateKey(redacted)", fmt.Sprintf("%#v", key))
	for _, v := range []any{key, *key, struct {
		Name string
		Key  *moduli.PrivateKey
	}{"pool", key}} {
		_, err := json.Marshal(v)
		require.Error(t, err)
		require.Error(t, gob.NewEncoder(io.Discard).Encode(v))
	}
}

// TestContradictionsAreRefused: the values of these records and keys contradict
// each other, or are not in their only encoding.
func TestContradictionsAreRefused(t *testing.T) {
	public := must(moduli.NewRecord(find(t, "demo"), purpose, created, notAfter)).Bytes()
	random := must(moduli.NewRecord(must(moduli.ImportedResult(find(t, "demo").Modulus)), purpose, created, notAfter)).Bytes()
	const startAt = 3 + 4 + 2 + 64
	for name, c := range map[string]struct {
		data []byte
		at   int
		cut  int
		put  string
	}{
		"a start beside its label": {public, startAt + 2 + 1 + 4 + 4, 2, "\x00\x40" + string(find(t, "demo").Start.Bytes())},
		"another size":             {random, startAt, 2, "\x04\x00"},
		"a counter without label":  {random, startAt + 2 + 1, 4, "\x00\x00\x00\x01"},
		"an end before the time":   {public, len(public) - 9, 8, "\x00\x00\x00\x00\x00\x00\x00\x01"},
		"no time":                  {public, len(public) - 17, 8, "\x00\x00\x00\x00\x00\x00\x00\x00"},
		"a signature or two":       {public, len(public) - 1, 1, "\x02"},
		"g = 0":                    {public, 3, 4, "\x00\x00\x00\x00"},
		"g = 2^31":                 {public, 3, 4, "\x80\x00\x00\x00"},
	} {
		_, err := moduli.ParseRecord(slices.Concat(c.data[:c.at], []byte(c.put), c.data[c.at+c.cut:]))
		require.ErrorIs(t, err, moduli.ErrMalformed, name)
	}

	for _, text := range []string{key.Text(), key.Public().Text()} {
		parse := func(data []byte) error {
			prefix, _, _ := strings.Cut(text, ":")
			encoded := prefix + ":" + base64.RawURLEncoding.EncodeToString(data)
			if text == key.Text() {
				_, err := moduli.ParsePrivateKey(encoded)
				return err
			}
			_, err := moduli.ParsePublicKey(encoded)
			return err
		}
		_, encoded, _ := strings.Cut(text, ":")
		data := must(base64.RawURLEncoding.DecodeString(encoded))
		require.NoError(t, parse(data))
		for altered := range testvec.Lengths(data) {
			require.ErrorIs(t, parse(altered), moduli.ErrMalformed)
		}
		for at, window := range map[int]string{3: "\x00\x00\x00\x00\x00\x00\x00\x00", 11: "\x00\x00\x00\x00\x00\x00\x00\x01"} {
			require.ErrorIs(t, parse(slices.Concat(data[:at], []byte(window), data[at+8:])), moduli.ErrMalformed, "an empty window")
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	r := newRecord(f, "demo")
	f.Add(r.Bytes())
	f.Add(must(moduli.NewRecord(find(f, "demo"), purpose, created, notAfter)).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := moduli.ParseRecord(data)
		if err != nil {
			require.Nil(t, got)
			return
		}
		require.Equal(t, data, got.Bytes())
		require.Equal(t, bytes.Equal(data, r.Bytes()), keys.Check(got, purpose) == nil, "nobody else can sign")
	})
}
