package srp_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

func TestRecordRoundTrip(t *testing.T) {
	for profile := range allProfiles(t) {
		r := newRig(t, profile).record
		again, err := srp.ParseRecord(r.Bytes())
		require.NoError(t, err)
		require.Equal(t, r.Bytes(), again.Bytes())
		require.Equal(t, profile, again.Profile())
		require.Equal(t, r.Group(), again.Group())
		require.Equal(t, alice, again.Identity())
		require.Equal(t, r.Salt(), again.Salt())
		require.Equal(t, r.Verifier(), again.Verifier())
		again, err = srp.ParseRecordText(r.Text())
		require.NoError(t, err)
		require.Equal(t, r.Bytes(), again.Bytes())
		again, err = srp.NewRecord(r.Profile(), r.Group(), r.KDF(), r.Identity(), r.Salt(), r.Verifier())
		require.NoError(t, err)
		require.Equal(t, r.Bytes(), again.Bytes())
	}
}

// TestRecordFormat pins the stored form: a database must be readable for ever.
func TestRecordFormat(t *testing.T) {
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	v := bytes.Repeat([]byte{0x11}, 256)
	record, err := srp.NewRecord(srp.RFC5054SHA256(srp.MinimalG), group.Unverified(), kdf.Params{}, alice, []byte{1, 2, 3}, v)
	require.NoError(t, err)
	require.Equal(t, "5301"+"15"+"0800"+"03010203"+"0000"+"0005616c696365"+strings.Repeat("11", 256), hex.EncodeToString(record.Bytes()))
	require.True(t, strings.HasPrefix(record.Text(), "nescio-srp-record:UwEVCAADAQIDAAAABWFsaWNlERER"), record.Text())

	proton := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	proton.Certificate = []byte("cred")
	record, err = srp.NewRecord(srp.Proton(4), proton, kdf.Params{}, nil, make([]byte, 10), v)
	require.NoError(t, err)
	require.Equal(t, "5301"+"24"+"0000"+"0100"+hex.EncodeToString(proton.N)+"00000002"+"000463726564"+
		"0a00000000000000000000"+"0000"+"0000"+strings.Repeat("11", 256), hex.EncodeToString(record.Bytes()))
}

// TestProfileIDs pins the byte of each profile.
func TestProfileIDs(t *testing.T) {
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	large, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	for profile := range allProfiles(t) {
		want := map[string]byte{
			"rfc5054-sha1": 0x10, "rfc5054-sha1+minimal-g": 0x11, "rfc5054-sha1+minimal-values": 0x12, "rfc5054-sha1+minimal-g+minimal-values": 0x13,
			"rfc5054-sha256": 0x14, "rfc5054-sha256+minimal-g": 0x15, "rfc5054-sha256+minimal-values": 0x16, "rfc5054-sha256+minimal-g+minimal-values": 0x17,
			"rfc5054-sha512": 0x18, "rfc5054-sha512+minimal-g": 0x19, "rfc5054-sha512+minimal-values": 0x1a, "rfc5054-sha512+minimal-g+minimal-values": 0x1b,
			"proton-0": 0x20, "proton-1": 0x21, "proton-2": 0x22, "proton-3": 0x23, "proton-4": 0x24,
			"homekit": 0x30, "nescio": 0x01,
		}[profile.String()]
		salt := make([]byte, srp.SaltSize(profile))
		ref := group.Unverified()
		if profile == srp.HomeKit() {
			ref = large.Unverified()
		}
		record, err := srp.NewRecord(profile, ref, kdf.Params{}, nil, salt, bytes.Repeat([]byte{0x11}, len(ref.N)))
		require.NoError(t, err)
		require.Equal(t, want, record.Bytes()[2], profile)
	}
}

func TestRecordIsImmutable(t *testing.T) {
	r := newRig(t, srp.Proton(4)).record
	before := r.Bytes()
	clear(r.Verifier())
	clear(r.Salt())
	clear(r.Identity())
	clear(r.Group().N)
	clear(r.Group().Certificate)
	clear(r.Bytes())
	require.Equal(t, before, r.Bytes())

	parsed, err := srp.ParseRecord(before)
	require.NoError(t, err)
	want := bytes.Clone(before)
	clear(before)
	require.Equal(t, want, parsed.Bytes())
}

func TestRecordLengths(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		for other := range testvec.Lengths(r.record.Bytes()) {
			_, err := srp.ParseRecord(other)
			require.ErrorIs(t, err, srp.ErrRecord)
		}
		text := r.record.Text()
		for other := range testvec.Lengths([]byte(text)) {
			_, err := srp.ParseRecordText(string(other))
			require.ErrorIs(t, err, srp.ErrRecord)
		}
	}
}

func TestRecordHasOneEncoding(t *testing.T) {
	r := sha256Rig(t)
	good := r.record.Bytes()
	n := r.group.Unverified().N
	edit := func(at int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	inFull := slices.Concat(good[:3], []byte{0, 0, 1, 0}, n, []byte{0, 0, 0, 2, 0, 0}, good[5:])
	signed := slices.Concat(good[:3], []byte{0, 0, 1, 0}, n, []byte{0, 0, 0, 2, 0, 1, 'c'}, good[5:])
	_, err := srp.ParseRecord(signed)
	require.NoError(t, err, "with a certificate a group is written in full")
	for name, bad := range map[string][]byte{
		"kind":                edit(0, 'O'),
		"version":             edit(1, 2),
		"profile":             edit(2, 0x1c),
		"no profile":          edit(2, 0),
		"group number":        edit(3, 0x04, 0x00),
		"group in full":       inFull,
		"empty salt":          append(edit(5, 0)[:6], good[22:]...),
		"KDF parameters":      edit(22, 0, 1),
		"text":                []byte(r.record.Text()),
		"generator of 2^31":   slices.Concat(good[:3], []byte{0, 0, 1, 0}, n, []byte{0x80, 0, 0, 2, 0, 1, 'c'}, good[5:]),
		"generator of 0":      slices.Concat(good[:3], []byte{0, 0, 1, 0}, n, []byte{0, 0, 0, 0, 0, 1, 'c'}, good[5:]),
		"a long certificate":  slices.Concat(good[:3], []byte{0, 0, 1, 0}, n, []byte{0, 0, 0, 2, 0x40, 1}, make([]byte, 0x4001), good[5:]),
		"N with leading zero": slices.Concat(good[:3], []byte{0, 0, 1, 1, 0}, n, []byte{0, 0, 0, 2, 0, 0}, good[5:]),
	} {
		_, err := srp.ParseRecord(bad)
		require.ErrorIs(t, err, srp.ErrRecord, name)
	}
	text := r.record.Text()
	for name, bad := range map[string]string{
		"prefix":    "nescio" + text,
		"case":      strings.ToUpper(text[:6]) + text[6:],
		"padding":   text + "=",
		"line end":  text + "\n",
		"line ends": text[:30] + "\r\n" + text[30:],
		"alphabet":  text[:30] + "+" + text[31:],
		"blank":     " " + text,
	} {
		_, err := srp.ParseRecordText(bad)
		require.ErrorIs(t, err, srp.ErrRecord, name)
	}
}

func TestNewRecordRefuses(t *testing.T) {
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	big, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	v := bytes.Repeat([]byte{0x11}, 256)
	sha1 := srp.RFC5054SHA1(0)
	for name, err := range map[string]error{
		"profile":     second2(srp.NewRecord(srp.Profile{}, group.Unverified(), kdf.Params{}, alice, []byte{1}, v)),
		"2047 bits":   second2(srp.NewRecord(sha1, srp.UnverifiedGroup{N: append([]byte{0x7f}, group.Unverified().N[1:]...), G: 2}, kdf.Params{}, alice, []byte{1}, v)),
		"no group":    second2(srp.NewRecord(sha1, srp.UnverifiedGroup{}, kdf.Params{}, alice, []byte{1}, v)),
		"certificate": second2(srp.NewRecord(sha1, srp.UnverifiedGroup{N: group.Unverified().N, G: 2, Certificate: make([]byte, 16<<10+1)}, kdf.Params{}, alice, []byte{1}, v)),
		"identity":    second2(srp.NewRecord(sha1, group.Unverified(), kdf.Params{}, make([]byte, 1025), []byte{1}, v)),
		"no salt":     second2(srp.NewRecord(sha1, group.Unverified(), kdf.Params{}, alice, nil, v)),
		"long salt":   second2(srp.NewRecord(sha1, group.Unverified(), kdf.Params{}, alice, make([]byte, 65), v)),
		"Proton salt": second2(srp.NewRecord(srp.Proton(4), group.Unverified(), kdf.Params{}, alice, make([]byte, 16), v)),
		"old Proton":  second2(srp.NewRecord(srp.Proton(2), group.Unverified(), kdf.Params{}, alice, make([]byte, 10), v)),
		"Proton size": second2(srp.NewRecord(srp.Proton(4), big.Unverified(), kdf.Params{}, alice, make([]byte, 10), append(v, v[:128]...))),
		"Proton g":    second2(srp.NewRecord(srp.Proton(4), srp.UnverifiedGroup{N: group.Unverified().N, G: 3}, kdf.Params{}, alice, make([]byte, 10), v)),
	} {
		require.ErrorIs(t, err, srp.ErrRecord, name)
	}
	_, err = srp.NewRecord(sha1, group.Unverified(), kdf.Params{}, make([]byte, 1024), make([]byte, 64), v)
	require.NoError(t, err)
}

func second2[A any](_ A, err error) error { return err }

func TestOfferIsStrict(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	wire, err := srp.OfferBytes(r.profile, r.group.Unverified(), kdf.Params{}, 10)
	require.NoError(t, err)
	refused := func(response []byte, why ...any) {
		registration, _, err := r.client.Register(alice, password)
		require.NoError(t, err)
		_, err = registration.Finish(t.Context(), response)
		require.Equal(t, srp.ErrMalformed, err, why...)
	}
	for other := range testvec.Lengths(wire) {
		refused(other)
	}
	size := len(wire) - 3
	for _, n := range []byte{0, 9, 11, 255} {
		bad := bytes.Clone(wire)
		bad[size] = n
		refused(bad)
	}
	old := bytes.Clone(wire)
	old[2] = 0x22
	refused(old, "nobody registers with version 2")
}

// TestMessageLengths: every message of another length is refused, and a
// request that says something.
func TestMessageLengths(t *testing.T) {
	r := sha256Rig(t)
	_, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	for other := range testvec.Lengths(request) {
		_, _, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), other)
		require.Equal(t, srp.ErrMalformed, err)
	}
	response, _, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	for other := range testvec.Lengths(response) {
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Respond(t.Context(), other)
		require.Equal(t, srp.ErrMalformed, err)
	}
	_, _, final := r.begin(t, alice, r.record.Bytes(), password)
	for other := range testvec.Lengths(final) {
		_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, other)
		require.Equal(t, srp.ErrMalformed, err)
	}
}

func TestForceNonZero(t *testing.T) {
	for i := range 256 {
		salt := []byte{byte(i), 0}
		srp.ForceNonZero(salt)
		require.Equal(t, []byte{byte(max(i, 1)), 0}, salt)
	}
}

// TestRecordTextHasOneEncoding: bits after the last byte, which decoders may
// ignore, must be zero.
func TestRecordTextHasOneEncoding(t *testing.T) {
	r := sha256Rig(t)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	refused := 0
	for n := range 3 { // one of three lengths leaves no bits
		record, err := srp.NewRecord(r.profile, r.group.Unverified(), kdf.Params{}, make([]byte, n), r.record.Salt(), r.record.Verifier())
		require.NoError(t, err)
		text := []byte(record.Text())
		last := len(text) - 1
		for i := range alphabet {
			text[last] = alphabet[i]
			parsed, err := srp.ParseRecordText(string(text))
			if err == nil {
				require.Equal(t, string(text), parsed.Text())
				continue
			}
			require.ErrorIs(t, err, srp.ErrRecord)
			refused++
		}
	}
	require.Equal(t, 60+48, refused)
}
