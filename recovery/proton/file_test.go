package proton_test

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

// quick is a message's cheapest protection, which a file may have.
func quick() *packet.Config {
	return &packet.Config{DefaultCipher: packet.CipherAES256, S2KConfig: &s2k.Config{S2KMode: s2k.SaltedS2K, PassphraseIsHighEntropy: true}}
}

// encrypt makes the binary message of any packets under a password.
func encrypt(t testing.TB, password, packets []byte, c *packet.Config) []byte {
	var b bytes.Buffer
	key, err := packet.SerializeSymmetricKeyEncrypted(&b, password, c)
	require.NoError(t, err)
	w, err := packet.SerializeSymmetricallyEncrypted(&b, c.Cipher(), c.AEAD() != nil,
		packet.CipherSuite{Cipher: c.Cipher(), Mode: c.AEAD().Mode()}, key, c)
	require.NoError(t, err)
	w.Write(packets)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// wrapped is a packet with a tag and a length of four bytes.
func wrapped(tag byte, contents ...[]byte) []byte {
	body := slices.Concat(contents...)
	return slices.Concat([]byte{0xc0 | tag, 255}, binary.BigEndian.AppendUint32(nil, uint32(len(body))), body)
}

func literal(data ...[]byte) []byte {
	return wrapped(11, append([][]byte{{'b', 0, 0, 0, 0, 0}}, data...)...)
}

func compressed(t testing.TB, packets []byte) []byte {
	var b bytes.Buffer
	b.WriteByte(1)
	w, err := flate.NewWriter(&b, 9)
	require.NoError(t, err)
	w.Write(packets)
	require.NoError(t, w.Close())
	return wrapped(8, b.Bytes())
}

func message(t testing.TB, b []byte) string { return armored(t, "PGP MESSAGE", b) }

// sealed is a file with any packets in it.
func sealed(t testing.TB, s proton.FileSecret, packets []byte) string {
	return message(t, encrypt(t, s.Text(), packets, quick()))
}

// TestContents: what a file may hold, and what not, for one who opens it with the
// right secret.
func TestContents(t *testing.T) {
	entity, key := generate(t, "alice", nil)
	_, other := generate(t, "mallory", nil)
	secret := newSecret(t, key)
	good := key.Bytes()

	stub := bytes.Clone(good) // its primary key on a card
	first, err := packet.NewOpaqueReader(bytes.NewReader(good)).Next()
	require.NoError(t, err)
	public := len(first.Contents) - 1 - 2 - 32 - 2 // usage, length, secret, checksum
	stub = slices.Concat(wrapped(5, first.Contents[:public], []byte{254, 9, 101, 8, 'G', 'N', 'U', 1}), stub[2+len(first.Contents):])
	checksum := bytes.Clone(good)
	checksum[2+len(first.Contents)-1] ^= 1
	misfit := bytes.Clone(good) // another secret part, with its checksum
	b := misfit[2+public+1+2 : 2+public+1+2+32]
	b[5]--
	b[6]++
	locked := lock(t, entity, quick())
	half := entityOf(t, good)
	require.NoError(t, half.Subkeys[0].PrivateKey.Encrypt([]byte("passphrase")))
	large := slices.Concat(good, wrapped(13, make([]byte, 600<<10)))
	withoutID := good[:2+len(first.Contents)]

	for name, c := range map[string]struct {
		packets []byte
		err     error
	}{
		"one key":                    {literal(good), nil},
		"a name and a date":          {wrapped(11, []byte("b\x05k.pgp\x01\x02\x03\x04"), good), nil},
		"two keys":                   {literal(other.Bytes(), good), nil},
		"a photo":                    {literal(good, wrapped(17, []byte("\x05\x01abcd"))), nil},
		"compressed":                 {compressed(t, literal(good)), nil},
		"nothing":                    {nil, proton.ErrMalformed},
		"0 keys":                     {literal(), proton.ErrMalformed},
		"public keys":                {literal(publicKey(t, entity)), proton.ErrKey},
		"a public subkey":            {literal(good, wrapped(14, first.Contents[:public])), proton.ErrKey},
		"a locked key":               {literal(locked), proton.ErrKey},
		"a locked subkey":            {literal(secretKey(t, half)), proton.ErrKey},
		"a stub":                     {literal(stub), proton.ErrKey},
		"a wrong checksum":           {literal(checksum), proton.ErrMalformed},
		"a secret part that misfits": {literal(misfit), proton.ErrMalformed},
		"a key of version 5":         {literal(wrapped(5, []byte{5}, first.Contents[1:])), proton.ErrUnsupported},
		"a key of version 3":         {literal(wrapped(5, []byte{3}, first.Contents[1:])), proton.ErrUnsupported},
		"an empty key packet":        {literal(wrapped(5)), proton.ErrUnsupported},
		"an unknown algorithm":       {literal(wrapped(5, first.Contents[:5], []byte{99}, first.Contents[6:])), proton.ErrUnsupported},
		"a key without a user id":    {literal(withoutID), proton.ErrMalformed},
		"a subkey first":             {literal(wrapped(7, first.Contents), good), proton.ErrMalformed},
		"a user id first":            {literal(good[2+len(first.Contents):]), proton.ErrMalformed},
		"armored keys":               {literal([]byte(armored(t, "PGP PRIVATE KEY BLOCK", good))), proton.ErrMalformed},
		"a key cut short":            {literal(good[:len(good)-1]), proton.ErrMalformed},
		"a later key cut short":      {literal(good, good[:len(good)-1]), proton.ErrMalformed},
		"a byte behind it":           {literal(good, []byte{0}), proton.ErrMalformed},
		"a marker inside":            {literal(good, wrapped(10, []byte("PGP"))), proton.ErrMalformed},
		"33 keys":                    {literal(bytes.Repeat(good, 33)), proton.ErrPolicy},
		"33 keys, one a stub":        {literal(bytes.Repeat(good, 32), stub), proton.ErrPolicy},
		"17 secret parts":            {literal(good, bytes.Repeat(wrapped(7, first.Contents), 15)), proton.ErrPolicy},
		"a huge secret part":         {literal(wrapped(5, first.Contents, make([]byte, 4<<10))), proton.ErrPolicy},
		"too many packets":           {literal(good, bytes.Repeat(wrapped(13, []byte("x")), 2050)), proton.ErrPolicy},
		"too much":                   {literal(large), proton.ErrPolicy},
		"text":                       {wrapped(11, []byte("t\x00\x00\x00\x00\x00"), good), proton.ErrMalformed},
		"half a literal":             {wrapped(11, []byte("b\x09")), proton.ErrMalformed},
		"no literal":                 {good, proton.ErrMalformed},
		"two literals":               {append(literal(good), literal(good)...), proton.ErrMalformed},
		"a signed message":           {append(wrapped(4, make([]byte, 13)), literal(good)...), proton.ErrMalformed},
		"a message inside":           {encrypt(t, secret.Text(), literal(good), quick()), proton.ErrMalformed},
		"compressed twice":           {compressed(t, compressed(t, literal(good))), proton.ErrMalformed},
		"compressed by nobody knows": {wrapped(8, []byte{9}, literal(good)), proton.ErrUnsupported},
		"compressed garbage":         {wrapped(8, []byte{1}, []byte("\xff\xff\xff")), proton.ErrMalformed},
		"compressed to nothing":      {wrapped(8, nil), proton.ErrMalformed},
		"zlib garbage":               {wrapped(8, []byte{2}, []byte("\xff\xff\xff")), proton.ErrMalformed},
		"bzip2 garbage":              {wrapped(8, []byte{3}, []byte("\xff\xff\xff")), proton.ErrMalformed},
		"a bomb of 64 MiB":           {bomb(t), proton.ErrPolicy},
	} {
		file := sealed(t, secret, c.packets)
		if c.err != nil {
			keys, err := proton.OpenFile(t.Context(), file, secret)
			require.ErrorIs(t, err, c.err, name)
			require.Nil(t, keys, name)
			continue
		}
		keys, err := proton.OpenFile(t.Context(), file, secret)
		require.NoError(t, err, name)
		require.Equal(t, key.Fingerprint(), keys[len(keys)-1].Fingerprint(), name)
		require.True(t, bytes.HasPrefix(keys[len(keys)-1].Bytes(), good), name)
	}
}

// bomb is a compressed packet of 64 MiB of zeros. It repeats what flate makes of
// 1 MiB, up to a flush.
func bomb(t testing.TB) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	require.NoError(t, err)
	w.Write(make([]byte, 1<<16))
	require.NoError(t, w.Flush())
	n := b.Len()
	w.Write(make([]byte, 1<<20))
	require.NoError(t, w.Flush())
	return wrapped(8, []byte{1}, b.Bytes()[:n], bytes.Repeat(b.Bytes()[n:], 64))
}

// TestProtections: the encryption that a message may have.
func TestProtections(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	with := func(f func(*packet.Config)) *packet.Config {
		c := quick()
		f(c)
		return c
	}
	argon2 := func(passes, lanes uint8, memory uint32) func(*packet.Config) {
		return func(c *packet.Config) {
			c.S2KConfig = &s2k.Config{S2KMode: s2k.Argon2S2K, Argon2Config: &s2k.Argon2Config{NumberOfPasses: passes, DegreeOfParallelism: lanes, Memory: memory}}
		}
	}
	configs := map[string]*packet.Config{
		"AES-128":  with(func(c *packet.Config) { c.DefaultCipher = packet.CipherAES128 }),
		"AES-192":  with(func(c *packet.Config) { c.DefaultCipher = packet.CipherAES192 }),
		"iterated": with(func(c *packet.Config) { c.S2KConfig = &s2k.Config{S2KCount: 65536} }),
		"Argon2":   with(argon2(1, 1, 8)),
		"OCB":      with(func(c *packet.Config) { c.AEADConfig = &packet.AEADConfig{DefaultMode: packet.AEADModeOCB} }),
		"EAX":      with(func(c *packet.Config) { c.AEADConfig = &packet.AEADConfig{DefaultMode: packet.AEADModeEAX} }),
		"GCM":      with(func(c *packet.Config) { c.AEADConfig = &packet.AEADConfig{DefaultMode: packet.AEADModeGCM} }),
	}
	if !testing.Short() {
		configs["OpenPGP.js"] = with(argon2(3, 4, 64<<10))
	}
	for name, c := range configs {
		file := message(t, encrypt(t, secret.Text(), literal(key.Bytes()), c))
		keys, err := proton.OpenFile(t.Context(), file, secret)
		require.NoError(t, err, name)
		require.Equal(t, key.Bytes(), keys[0].Bytes(), name)
		requireErr(t, proton.ErrSecret, file, newSecret(t, key))
	}

	data := wrapped(18, []byte{1}, make([]byte, 200))
	data2 := wrapped(18, []byte{2, 9, 2, 6}, make([]byte, 200))
	salt := make([]byte, 16)
	skesk := func(parts ...[]byte) []byte { return wrapped(3, append([][]byte{{4, 9}}, parts...)...) }
	skesk6 := func(cipher, aead byte, spec ...byte) []byte {
		iv := []byte{0, 16, 15, 12, 0}[aead]
		return wrapped(3, []byte{6, 3 + byte(len(spec)) + iv, cipher, aead, byte(len(spec))}, spec, make([]byte, iv+48))
	}
	argon := func(t, p, m byte) []byte { return slices.Concat([]byte{4}, salt, []byte{t, p, m}) }
	messages := map[string]struct {
		message []byte
		err     error
	}{
		"the most of Argon2":      {append(skesk(argon(4, 16, 16)), data...), proton.ErrSecret},
		"a pass more":             {append(skesk(argon(5, 16, 16)), data...), proton.ErrPolicy},
		"a lane more":             {append(skesk(argon(4, 17, 16)), data...), proton.ErrPolicy},
		"512 MiB":                 {append(skesk(argon(1, 1, 19)), data...), proton.ErrPolicy},
		"2 TiB":                   {append(skesk(argon(1, 1, 31)), data...), proton.ErrPolicy},
		"2^64 KiB":                {append(skesk(argon(1, 1, 64)), data...), proton.ErrPolicy},
		"2^255 KiB":               {append(skesk(argon(1, 1, 255)), data...), proton.ErrPolicy},
		"255 passes":              {append(skesk(argon(255, 1, 31)), data...), proton.ErrPolicy},
		"255 passes, v6":          {append(skesk6(9, 2, argon(255, 1, 31)...), data2...), proton.ErrPolicy},
		"no passes":               {append(skesk(argon(0, 1, 16)), data...), proton.ErrMalformed},
		"no lanes":                {append(skesk(argon(1, 0, 16)), data...), proton.ErrMalformed},
		"the most iterated":       {append(skesk([]byte{3, 8}, salt[:8], []byte{255}), data...), proton.ErrSecret},
		"an S2K without salt":     {append(skesk([]byte{0, 8}), data...), proton.ErrUnsupported},
		"an unknown S2K":          {append(skesk([]byte{2, 8}, salt), data...), proton.ErrUnsupported},
		"GnuPG's S2K":             {append(skesk([]byte{101, 8, 'G', 'N', 'U', 1}), data...), proton.ErrUnsupported},
		"MD5":                     {append(skesk([]byte{3, 1}, salt[:8], []byte{96}), data...), proton.ErrUnsupported},
		"half an S2K":             {append(skesk([]byte{3, 8}, salt[:7]), data...), proton.ErrMalformed},
		"half Argon2":             {append(skesk([]byte{4}, salt), data...), proton.ErrMalformed},
		"no S2K":                  {append(skesk(), data...), proton.ErrMalformed},
		"no cipher":               {append(wrapped(3, []byte{4}), data...), proton.ErrMalformed},
		"an empty SKESK":          {append(wrapped(3), data...), proton.ErrMalformed},
		"an empty SEIPD":          {append(skesk([]byte{3, 8}, salt[:8], []byte{96}), wrapped(18)...), proton.ErrMalformed},
		"a length of the S2K, v6": {append(wrapped(3, []byte{6, 39, 9, 2, 21}, argon(1, 1, 3), make([]byte, 64)), data2...), proton.ErrMalformed},
		"a length of the IV, v6":  {append(wrapped(3, []byte{6, 39, 9, 2, 20}, argon(1, 1, 3), make([]byte, 64)), data2...), proton.ErrMalformed},
		"half a SKESK, v6":        {append(wrapped(3, []byte{6, 200, 9}), data2...), proton.ErrMalformed},
		"half a SEIPD, v2":        {append(skesk6(9, 2, argon(1, 1, 3)...), wrapped(18, []byte{2, 9})...), proton.ErrMalformed},
		"3DES":                    {append(wrapped(3, []byte{4, 2, 3, 8}, salt[:8], []byte{96}), data...), proton.ErrUnsupported},
		"CAST5":                   {append(wrapped(3, []byte{4, 3, 3, 8}, salt[:8], []byte{96}), data...), proton.ErrUnsupported},
		"Twofish":                 {append(wrapped(3, []byte{4, 10, 3, 8}, salt[:8], []byte{96}), data...), proton.ErrUnsupported},
		"CAST5, v6":               {append(skesk6(3, 2, argon(1, 1, 3)...), data2...), proton.ErrUnsupported},
		"an unknown AEAD":         {append(skesk6(9, 4, argon(1, 1, 3)...), data2...), proton.ErrUnsupported},
		"no AEAD":                 {append(skesk6(9, 0, argon(1, 1, 3)...), data2...), proton.ErrUnsupported},
		"CAST5 for the data":      {append(skesk6(9, 2, argon(1, 1, 3)...), wrapped(18, []byte{2, 3, 2, 6}, make([]byte, 200))...), proton.ErrUnsupported},
		"no AEAD for the data":    {append(skesk6(9, 2, argon(1, 1, 3)...), wrapped(18, []byte{2, 9, 0, 6}, make([]byte, 200))...), proton.ErrUnsupported},
		"chunks of 4 EiB":         {append(skesk6(9, 2, argon(1, 1, 3)...), wrapped(18, []byte{2, 9, 2, 56}, make([]byte, 200))...), proton.ErrUnsupported},
		"SKESK 5":                 {append(wrapped(3, []byte{5, 9, 2, 3, 8}, salt, []byte{96}), wrapped(20, []byte{1, 9, 2, 6}, make([]byte, 200))...), proton.ErrUnsupported},
		"GnuPG's packet 20":       {append(skesk([]byte{3, 8}, salt[:8], []byte{96}), wrapped(20, []byte{1, 9, 2, 6}, make([]byte, 200))...), proton.ErrUnsupported},
		"unprotected data":        {append(skesk([]byte{3, 8}, salt[:8], []byte{96}), wrapped(9, []byte{1}, make([]byte, 200))...), proton.ErrUnsupported},
		"versions 4 and 2":        {append(skesk([]byte{3, 8}, salt[:8], []byte{96}), data2...), proton.ErrUnsupported},
		"versions 6 and 1":        {append(skesk6(9, 2, argon(1, 1, 3)...), data...), proton.ErrUnsupported},
		"no session key":          {data, proton.ErrMalformed},
		"no data":                 {skesk([]byte{3, 8}, salt[:8], []byte{96}), proton.ErrMalformed},
		"two session keys":        {slices.Concat(skesk([]byte{3, 8}, salt[:8], []byte{96}), skesk([]byte{3, 8}, salt[:8], []byte{96}), data), proton.ErrMalformed},
		"a public-key recipient":  {slices.Concat(wrapped(1, make([]byte, 50)), skesk([]byte{3, 8}, salt[:8], []byte{96}), data), proton.ErrMalformed},
		"two messages":            {slices.Concat(skesk([]byte{3, 8}, salt[:8], []byte{96}), data, skesk([]byte{3, 8}, salt[:8], []byte{96}), data), proton.ErrMalformed},
		"nothing encrypted":       {literal(key.Bytes()), proton.ErrMalformed},
		"a key":                   {key.Bytes(), proton.ErrMalformed},
		"garbage":                 {[]byte("garbage"), proton.ErrMalformed},
	}
	if testing.Short() {
		delete(messages, "the most of Argon2")
		delete(messages, "the most iterated")
	}
	for name, c := range messages {
		keys, err := proton.OpenFile(t.Context(), message(t, c.message), secret)
		require.ErrorIs(t, err, c.err, name)
		require.Nil(t, keys, name)
	}
}

// TestOpensByTheRightSecret: wrong secrets, other people's files, too many of them.
func TestOpensByTheRightSecret(t *testing.T) {
	alice, mallory := newKey(t), newKey(t)
	secret, later := newSecret(t, alice), newSecret(t, alice)
	file := makeFile(t, secret, alice)

	wrong := make([]proton.FileSecret, 31)
	for i := range wrong {
		wrong[i] = newSecret(t, alice)
	}
	keys, err := proton.OpenFile(t.Context(), file, append(wrong, secret)...)
	require.NoError(t, err)
	require.Equal(t, alice.Bytes(), keys[0].Bytes())
	requireErr(t, proton.ErrPolicy, file, append(wrong, later, secret)...)
	requireErr(t, proton.ErrPolicy, file)
	requireErr(t, proton.ErrSecret, file, wrong...)

	// Mallory's file, for a secret of Alice's or of his own.
	requireErr(t, proton.ErrSecret, makeFile(t, newSecret(t, mallory), mallory), secret, later)
	requireErr(t, proton.ErrSignature, sealed(t, secret, literal(mallory.Bytes())), later, secret)

	// The server's: a secret that it chose itself, for a new file or in an answer.
	forged := newSecret(t, mallory)
	_, err = proton.MakeFile(forged, alice)
	require.Equal(t, proton.ErrSignature, err)
	forged = proton.ImportFileSecret(secret.Text(), forged.Signature)
	requireErr(t, proton.ErrSignature, file, forged)
	requireErr(t, proton.ErrSignature, file, forged, secret)
	requireErr(t, proton.ErrSignature, file, later, forged) // signed, but not the one that opens
	forged.Signature = later.Signature
	requireErr(t, proton.ErrSignature, file, forged)
	_, err = proton.MakeFile(forged, alice)
	require.Equal(t, proton.ErrSignature, err)
	for _, unsigned := range []string{"", "x", strings.ReplaceAll(secret.Signature, "SIGNATURE", "MESSAGE")} {
		forged.Signature = unsigned
		requireErr(t, proton.ErrMalformed, file, forged)
		requireErr(t, proton.ErrMalformed, file, secret, forged)
		_, err = proton.MakeFile(forged, alice)
		require.Equal(t, proton.ErrMalformed, err)
	}
	// Any key in the file may have signed, the first or a later one.
	_, err = proton.OpenFile(t.Context(), makeFile(t, secret, mallory, alice), secret)
	require.NoError(t, err)

	for _, text := range []string{"", string(secret.Text()[:43]), string(secret.Text()) + "=", string(secret.Text()) + "\n", string(secret.Text()[:24]),
		string(secret.Text()[:20]) + "\n" + string(secret.Text()[20:43]), strings.Repeat("_", 43) + "="} {
		requireErr(t, proton.ErrMalformed, file, proton.ImportFileSecret([]byte(text), secret.Signature))
	}

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	keys, err = proton.OpenFile(canceled, file, secret)
	require.Equal(t, context.Canceled, err)
	require.Nil(t, keys)
}

// TestArmor: the forms of the text around a message.
func TestArmor(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	file := makeFile(t, secret, key)
	for n := 1; !strings.Contains(file, "=\n="); n++ { // until the last character has bits to spare
		file = sealed(t, secret, literal(key.Bytes(), wrapped(13, make([]byte, n))))
	}
	lines := strings.Split(file, "\n")
	edit := func(f func(l []string) []string) string { return strings.Join(f(slices.Clone(lines)), "\n") }
	end := slices.Index(lines, "-----END PGP MESSAGE-----")
	for name, good := range map[string]string{
		"CRLF":               strings.ReplaceAll(file, "\n", "\r\n"),
		"indented":           strings.ReplaceAll(file, "\n", "\n  "),
		"trailing blanks":    strings.ReplaceAll(file, "\n", " \t\n"),
		"headers":            edit(func(l []string) []string { l[0] += "\nVersion: ProtonMail\nComment: https://proton.me"; return l }),
		"an empty header":    edit(func(l []string) []string { l[0] += "\nComment:"; return l }),
		"text around":        "Keep this file.\n\n" + file + "--\nsent from a phone",
		"a byte-order mark":  "\ufeff" + file,
		"no checksum":        edit(func(l []string) []string { return slices.Delete(l, end-1, end) }),
		"another checksum":   edit(func(l []string) []string { l[end-1] = "=AAAA"; return l }),
		"no line end":        strings.TrimSpace(file),
		"empty lines at end": edit(func(l []string) []string { l[end-1] += "\n\n"; return l }),
		"the longest":        file + strings.Repeat(" ", proton.MaxText-len(file)),
	} {
		keys, err := proton.OpenFile(t.Context(), good, secret)
		require.NoError(t, err, name)
		require.Equal(t, key.Fingerprint(), keys[0].Fingerprint(), name)
	}
	for name, bad := range map[string]string{
		"nothing":             "",
		"two files":           file + file,
		"two other files":     file + makeFile(t, secret, key),
		"a key before":        armored(t, "PGP PUBLIC KEY BLOCK", []byte("x")) + "\n" + file,
		"another kind":        strings.ReplaceAll(file, "MESSAGE", "PRIVATE KEY BLOCK"),
		"two kinds":           strings.Replace(file, "END PGP MESSAGE", "END PGP SIGNATURE", 1),
		"a part of a message": strings.ReplaceAll(file, "PGP MESSAGE", "PGP MESSAGE, PART 1/2"),
		"no end":              strings.Join(lines[:end], "\n"),
		"no beginning":        strings.Join(lines[1:], "\n"),
		"no empty line":       edit(func(l []string) []string { return slices.Delete(l, 1, 2) }),
		"a header that isn't": edit(func(l []string) []string { l[1] = "hello"; return l }),
		"text in line 1":      edit(func(l []string) []string { l[0] += "x"; return l }),
		"only headers":        "-----BEGIN PGP MESSAGE-----\nVersion: 1\n-----END PGP MESSAGE-----\n",
		"only the lines":      "-----BEGIN PGP MESSAGE-----\n-----END PGP MESSAGE-----\n",
		"empty":               "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n",
		"checksum first":      edit(func(l []string) []string { return slices.Insert(l, 2, "=AAAA") }),
		"text inside":         edit(func(l []string) []string { return slices.Insert(l, 4, "> quoted") }),
		"loose bits":          looseBits(file),
		"half a line":         edit(func(l []string) []string { l[3] = l[3][:30]; return l }),
		"binary":              string(dearmored(t, file)),
		"too long":            file + strings.Repeat(" ", proton.MaxText-len(file)+1),
	} {
		keys, err := proton.OpenFile(t.Context(), bad, secret)
		require.Error(t, err, name)
		require.Nil(t, keys, name)
		switch name {
		case "too long":
			require.ErrorIs(t, err, proton.ErrPolicy)
		case "half a line":
		default:
			require.ErrorIs(t, err, proton.ErrMalformed, name)
		}
	}
}

// looseBits sets a bit of the last character of base64 that stands for nothing.
func looseBits(file string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := strings.Index(file, "=\n=")
	for file[at] == '=' {
		at--
	}
	return file[:at] + string(alphabet[strings.IndexByte(alphabet, file[at])|1]) + file[at+1:]
}

// TestEveryBitCounts: an altered or shortened message does not open. Of its armor, the
// checksum and what is around it do not count.
func TestEveryBitCounts(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	step := 1
	if testing.Short() {
		step = 13
	}
	for name, c := range map[string]*packet.Config{
		"SEIPD 1": quick(),
		"SEIPD 2": {DefaultCipher: packet.CipherAES256, S2KConfig: quick().S2KConfig, AEADConfig: &packet.AEADConfig{DefaultMode: packet.AEADModeOCB}},
	} {
		raw := encrypt(t, secret.Text(), literal(key.Bytes()), c)
		for bit, flipped := range testvec.BitFlips(raw) {
			if bit%step != 0 || costly(flipped) {
				continue
			}
			keys, err := proton.OpenFile(t.Context(), message(t, flipped), secret)
			require.Error(t, err, "%s, bit %d", name, bit)
			require.Nil(t, keys)
		}
		for n := 0; n < len(raw); n += step {
			requireErr(t, proton.ErrMalformed, message(t, raw[:n:n]), secret)
		}
		for _, extra := range [][]byte{{0}, {0xa5}, {0xc0}, wrapped(21, []byte{1})} {
			requireErr(t, proton.ErrMalformed, message(t, append(bytes.Clone(raw), extra...)), secret)
		}
		text := []byte(message(t, raw))
		for at := 0; at < len(text); at += step {
			altered := bytes.Clone(text)
			altered[at] ^= 1
			if keys, err := proton.OpenFile(t.Context(), string(altered), secret); err == nil {
				require.Equal(t, key.Bytes(), keys[0].Bytes(), "%s, character %d", name, at)
			} else {
				require.Nil(t, keys)
			}
		}
	}
}

// costly reports whether a flip has made the S2K an expensive one, which
// TestProtections has.
func costly(raw []byte) bool { return raw[4] == 4 || raw[7] == 4 }

// TestCipherOfTheSessionKey: AES outside, 3DES inside, and all else right.
func TestCipherOfTheSessionKey(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	plaintext := literal(key.Bytes())
	for cipherID, c := range map[byte]struct {
		size int
		new  func([]byte) (cipher.Block, error)
		err  error
	}{
		7: {16, aes.NewCipher, nil},
		2: {24, des.NewTripleDESCipher, proton.ErrSecret},
	} {
		salt := []byte("8 bytes.")
		outer := sha256.Sum256(append(bytes.Clone(salt), secret.Text()...))
		sessionKey := append([]byte{cipherID}, make([]byte, c.size)...)
		block, err := c.new(sessionKey[1:])
		require.NoError(t, err)
		aesBlock, err := aes.NewCipher(outer[:])
		require.NoError(t, err)
		encrypted, feedback := bytes.Clone(sessionKey), make([]byte, 16) // CFB
		for i := 0; i < len(encrypted); i += 16 {
			aesBlock.Encrypt(feedback, feedback)
			copy(feedback, encrypted[i:i+subtle.XORBytes(encrypted[i:], encrypted[i:], feedback)])
		}

		iv := make([]byte, block.BlockSize())
		stream, prefix := packet.NewOCFBEncrypter(block, iv, packet.OCFBNoResync)
		mdc := sha1.Sum(slices.Concat(iv, iv[len(iv)-2:], plaintext, []byte{0xd3, 20}))
		data := slices.Concat(plaintext, []byte{0xd3, 20}, mdc[:])
		stream.XORKeyStream(data, data)
		file := message(t, slices.Concat(wrapped(3, []byte{4, 9, 1, 8}, salt, encrypted), wrapped(18, []byte{1}, prefix, data)))
		keys, err := proton.OpenFile(t.Context(), file, secret)
		require.Equal(t, c.err, err)
		require.Equal(t, c.err == nil, len(keys) == 1)
	}
}

// TestWrongSecretNeverParses: what a wrong secret decrypts to is not looked at. A
// message of the same length in its place is as good as a wrong secret.
func TestWrongSecretNeverParses(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	a := encrypt(t, secret.Text(), literal(key.Bytes()), quick())
	b := encrypt(t, newSecret(t, key).Text(), literal(key.Bytes()), quick())
	require.Equal(t, len(a), len(b))
	head := 2 + int(a[1])
	requireErr(t, proton.ErrSecret, message(t, append(bytes.Clone(a[:head]), b[head:]...)), secret)
	requireErr(t, proton.ErrSecret, message(t, append(bytes.Clone(b[:head]), a[head:]...)), secret)

	// Decryption that gives keys but not the right hash behind them.
	short := a[:len(a)-1]
	packets := packet.NewOpaqueReader(bytes.NewReader(short))
	_, err := packets.Next()
	require.NoError(t, err)
	_, err = packets.Next()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	p, err := openpgp.ReadMessage(bytes.NewReader(a), nil, func([]openpgp.Key, bool) ([]byte, error) { return secret.Text(), nil }, nil)
	require.NoError(t, err)
	_, err = io.ReadAll(p.UnverifiedBody)
	require.NoError(t, err)
	a[len(a)-1] ^= 1
	requireErr(t, proton.ErrSecret, message(t, a), secret)
}
