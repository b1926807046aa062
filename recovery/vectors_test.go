package recovery_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

//go:embed testdata
var testdata embed.FS

var update = flag.Bool("update", false, "write the known answers in testdata anew")

const keyringSource = "Made by this package, TestKnownAnswer -update, which draws all that is random; the values are those of a second " +
	"implementation in reference_test.go. Hexadecimal, but for text. Slots are in the header's order; their names are those of the package documentation"

// keyringAnswer is a keyring with every way in, and all values on the way. It was
// rotated twice, holds an adopted key, and has slots of each epoch.
type keyringAnswer struct {
	Header        testvec.Hex    `json:"header"`
	Digest        testvec.Hex    `json:"digest"`
	Account       testvec.Hex    `json:"account"`
	Revision      uint64         `json:"revision"`
	Epoch         uint32         `json:"epoch"`
	PrevDigest    testvec.Hex    `json:"prev_digest"`
	L             testvec.Hex    `json:"lineage_key"`
	LineageMACKey testvec.Hex    `json:"lineage_mac_key"`
	LineageMAC    testvec.Hex    `json:"lineage_mac"`
	MasterMACKey  testvec.Hex    `json:"master_mac_key"`
	MasterMAC     testvec.Hex    `json:"master_mac"`
	MKID          testvec.Hex    `json:"mk_id"`
	Pin           testvec.Hex    `json:"pin"`
	MasterKeys    []masterAnswer `json:"master_keys"`
	Slots         []slotAnswer   `json:"slots"`
}

// masterAnswer is the master key of an epoch; the last one's is the current.
type masterAnswer struct {
	Epoch   uint32      `json:"epoch"`
	Key     testvec.Hex `json:"key"`
	Binding testvec.Hex `json:"history_binding,omitempty"`
	Wrapped testvec.Hex `json:"wrapped,omitempty"`
}

type slotAnswer struct {
	Name     string            `json:"name"`
	Input    map[string]string `json:"input"`
	Type     byte              `json:"type"`
	Flags    byte              `json:"flags"`
	ID       testvec.Hex       `json:"id"`
	Born     uint32            `json:"born"`
	Params   testvec.Hex       `json:"params"`
	KDF      testvec.Hex       `json:"kdf_output,omitempty"`
	IKM      testvec.Hex       `json:"ikm"`
	KEKSalt  testvec.Hex       `json:"kek_salt"`
	KEKInfo  testvec.Hex       `json:"kek_info"`
	KEK      testvec.Hex       `json:"kek"`
	Binding  testvec.Hex       `json:"binding"`
	Wrapped  testvec.Hex       `json:"wrapped"`
	Seed     testvec.Hex       `json:"seed"`
	HPKEInfo testvec.Hex       `json:"hpke_info"`
	// AuthSecret is of phrases.
	AuthSecret testvec.Hex `json:"auth_secret,omitempty"`
}

func unhex(t testing.TB, text string) (b testvec.Hex) {
	require.NoError(t, b.UnmarshalText([]byte(text)))
	return b
}

func hexOf(b []byte) string {
	text, _ := testvec.Hex(b).MarshalText()
	return string(text)
}

// ikm computes what a slot's key is derived from, out of the inputs.
func (a *slotAnswer) ikm(t testing.TB, s *refSlot) {
	in := func(name string) []byte { return unhex(t, a.Input[name]) }
	switch s.kind {
	case 1:
		if !testing.Short() || a.KDF == nil || strings.Contains(a.Input["kdf"], "argon2id") { // the others take seconds under the race detector
			a.KDF = refKDF([]byte(a.Input["password"]), s.params)
		}
		a.IKM = append(bytes.Clone(a.KDF), in("secret_key")...)
		require.Equal(t, s.flags == 1, a.Input["secret_key"] != "")
	case 2:
		record := sha256.Sum256(in("record"))
		require.Equal(t, record[:], s.params[32:])
		a.IKM = in("export_key")
	case 3:
		require.Equal(t, byte(len(in("entropy"))), s.params[32])
		a.IKM = in("entropy")
		a.AuthSecret = refHKDF(a.IKM, nil, "nescio/phrase/auth/v1", 32)
	case 4:
		// The file: version, id, F and a checksum.
		_, text, _ := strings.Cut(a.Input["text"], "FILE-----\n")
		text, _, _ = strings.Cut(text, "-----END")
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", ""))
		require.NoError(t, err)
		sum := sha256.Sum256(b[:49])
		require.Equal(t, append(append([]byte{1}, s.id...), in("f")...), b[:49])
		require.Equal(t, sum[:4], b[49:])
		a.IKM = append(in("f"), in("server_secret")...)
	case 5:
		want := cursor(s.params[32:])
		credential := sha256.Sum256(in("credential_id"))
		require.Equal(t, in("evaluation_salt"), want.bytes(32))
		require.Equal(t, credential[:], want.bytes(32))
		require.Equal(t, a.Input["rp_id"], string(want.bytes(int(want.u8()))))
		require.Empty(t, want)
		a.IKM = in("prf_output")
	}
}

// answer computes all values from a header and the inputs of its slots, by the
// second implementation.
func answer(t testing.TB, header []byte, slots []slotAnswer) keyringAnswer {
	h := refParse(header)
	digest := sha256.Sum256(header)
	a := keyringAnswer{Header: header, Digest: digest[:], Account: h.account, Revision: h.revision, Epoch: h.epoch, PrevDigest: h.prev,
		LineageMAC: h.lineageMAC, MasterMAC: h.masterMAC}
	require.Len(t, slots, len(h.slots))
	var master []byte
	for i := range h.slots {
		s := &h.slots[i]
		out := slotAnswer{Name: slots[i].Name, Input: slots[i].Input, KDF: slots[i].KDF, Type: s.kind, Flags: s.flags, ID: s.id, Born: s.born, Params: s.params,
			KEKSalt: s.kekSalt(), KEKInfo: s.kekInfo(), Binding: s.binding(h.account), Wrapped: s.wrapped,
			HPKEInfo: refBinding("nescio/slot/mk/v1", h.account, s.id, h.epoch)}
		out.ikm(t, s)
		out.KEK = refHKDF(out.IKM, out.KEKSalt, string(out.KEKInfo), 32)
		secret, err := refUnwrap(out.KEK, out.Binding, s.wrapped)
		require.NoError(t, err, out.Name)
		require.Len(t, secret, 64)
		out.Seed = secret[:32]
		mk, err := s.refMaster(out.HPKEInfo, out.Seed)
		require.NoError(t, err, out.Name)
		if i == 0 {
			a.L, master = secret[32:], mk
		}
		require.Equal(t, []byte(a.L), secret[32:], out.Name)
		require.Equal(t, master, mk, out.Name)
		a.Slots = append(a.Slots, out)
	}

	a.LineageMACKey = refHKDF(a.L, nil, "nescio/keyring/v1", 32)
	require.Equal(t, h.lineageMAC, refHMAC(a.LineageMACKey, h.beforeMACs))
	a.MasterMACKey = refHKDF(master, nil, "nescio/keyring/v1", 32)
	require.Equal(t, h.masterMAC, refHMAC(a.MasterMACKey, h.beforeMACs, h.lineageMAC))
	a.MKID = refHKDF(master, nil, "nescio/mk-id/v1", 16)
	a.Pin = h.refPin(digest[:], a.MKID)

	a.MasterKeys = []masterAnswer{{Epoch: h.epoch, Key: master}}
	for i := len(h.history) - 1; i >= 0; i-- {
		e := h.history[i]
		require.Equal(t, a.MasterKeys[0].Epoch-1, e.epoch)
		ctx := refBinding("nescio/history/v1", h.account, nil, e.epoch)
		old, err := refUnwrap(a.MasterKeys[0].Key, ctx, e.wrapped)
		require.NoError(t, err)
		a.MasterKeys = append([]masterAnswer{{e.epoch, old, ctx, e.wrapped}}, a.MasterKeys...)
	}
	return a
}

// knownWays are the ways in of the known answer.
var knownWays = []slotAnswer{
	{Name: "password, Argon2id", Input: map[string]string{"password": "correct horse", "kdf": "$argon2id$v=19$m=19456,t=2,p=1"}},
	{Name: "password with a secret key", Input: map[string]string{"password": "123456", "kdf": "$argon2id$v=19$m=19456,t=2,p=1",
		"secret_key": "000102030405060708090a0b0c0d0e0f", "secret_key_text": "NSK1-000G4-0R40M-30E20-9185G-R38E1-WF"}},
	{Name: "password, PBKDF2", Input: map[string]string{"password": "pässwörd", "kdf": "$pbkdf2-sha512$i=210000"}},
	{Name: "password, scrypt", Input: map[string]string{"password": "battery staple", "kdf": "$scrypt$ln=16,r=8,p=1"}},
	{Name: "export", Input: map[string]string{"export_key": strings.Repeat("e1e2e3e4", 16), "record": strings.Repeat("0a0b0c", 64)}},
	{Name: "phrase of 12", Input: map[string]string{"entropy": "000102030405060708090a0b0c0d0e0f"}},
	{Name: "phrase of 24", Input: map[string]string{"entropy": strings.Repeat("9f8e7d6c", 8)}},
	{Name: "file", Input: map[string]string{}},
	{Name: "passkey", Input: map[string]string{"prf_output": strings.Repeat("a1a2", 16), "evaluation_salt": strings.Repeat("5a", 32),
		"credential_id": "c0ffee", "rp_id": "example.org"}},
}

// way returns what opens a slot, and for all but a file seals it too.
func (a *slotAnswer) way(t testing.TB) recovery.Opener {
	in := func(name string) []byte { return unhex(t, a.Input[name]) }
	switch name, _, _ := strings.Cut(a.Name, " "); strings.TrimSuffix(name, ",") {
	case "password":
		p := recovery.NewPassword([]byte(a.Input["password"]), nil)
		var err error
		p.KDF, err = kdf.ParseParams(a.Input["kdf"])
		require.NoError(t, err)
		if text := a.Input["secret_key_text"]; text != "" {
			key, err := recovery.ParseSecretKey(text)
			require.NoError(t, err)
			require.Equal(t, in("secret_key"), key.Key())
			require.Equal(t, text, key.Text())
			p = p.WithSecretKey(key)
		}
		return p
	case "export":
		return recovery.NewExport(in("export_key"), in("record"))
	case "phrase":
		p, err := recovery.PhraseFromEntropy(in("entropy"))
		require.NoError(t, err)
		return p
	case "file":
		f, err := recovery.ParseFile(a.Input["text"])
		require.NoError(t, err)
		f, err = f.WithServerSecret(in("server_secret"))
		require.NoError(t, err)
		return f
	case "passkey":
		return recovery.Passkey{
			Salt: [32]byte(in("evaluation_salt")), CredentialID: in("credential_id"), RPID: a.Input["rp_id"], UserVerified: true,
		}.WithPRF(in("prf_output"))
	}
	require.Fail(t, "no way in", a.Name)
	return nil
}

// makeKeyring makes the keyring of the known answer.
func makeKeyring(t testing.TB) (header []byte, slots []slotAnswer) {
	ctx := t.Context()
	names := make(map[recovery.SlotID]*slotAnswer)
	var k *recovery.Keyring
	add := func(a *slotAnswer) {
		var sealer recovery.Sealer
		if a.Name == "file" {
			sealer = recovery.NewFile()
		} else {
			sealer = a.way(t).(recovery.Sealer)
		}
		var id recovery.SlotID
		var err error
		if k == nil {
			k, err = recovery.Create(ctx, unhex(t, "4242424242424242424242424242424f"), sealer)
			require.NoError(t, err)
			id = k.Slots()[0].ID
		} else {
			id, err = k.Add(ctx, sealer)
			require.NoError(t, err)
		}
		k.Bytes() // seen: a revision of its own
		switch s := sealer.(type) {
		case *recovery.File:
			a.Input["text"], a.Input["server_secret"] = s.Text(), hexOf(s.ServerSecret())
			block := strings.Join(strings.Split(s.Text(), "\n")[1:3], "")
			b, err := base64.StdEncoding.DecodeString(block)
			require.NoError(t, err)
			a.Input["f"] = hexOf(b[17:49])
		case *recovery.Phrase:
			a.Input["words"] = s.Words()
		}
		names[id] = a
	}
	for i := range knownWays {
		switch i {
		case 2:
			require.NoError(t, k.Adopt(ctx, [32]byte(bytes.Repeat([]byte{0x0d}, 32))))
			require.NoError(t, k.Rotate(ctx))
		case 5:
			require.NoError(t, k.Rotate(ctx))
		}
		add(&knownWays[i])
	}
	require.NoError(t, k.Rotate(ctx))
	for _, s := range k.Slots() {
		slots = append(slots, *names[s.ID])
	}
	return k.Bytes(), slots
}

// onlySlot is an Opener of one slot.
type onlySlot struct {
	recovery.Opener
	id recovery.SlotID
}

func (o onlySlot) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	if s.ID != o.id {
		return nil, recovery.ErrNotMine
	}
	return o.Opener.Open(ctx, b, s)
}

func loadKeyring(t testing.TB) keyringAnswer {
	return testvec.Load[keyringAnswer](t, testdata, "testdata/keyring.json")
}

// TestKnownAnswer computes every value of testdata/keyring.json by a second
// implementation, and has the package find the same; with -update it writes the
// file.
func TestKnownAnswer(t *testing.T) {
	if *update {
		header, slots := makeKeyring(t)
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		require.NoError(t, e.Encode(struct {
			Source  string        `json:"source"`
			Vectors keyringAnswer `json:"vectors"`
		}{keyringSource, answer(t, header, slots)}))
		require.NoError(t, os.WriteFile("testdata/keyring.json", b.Bytes(), 0o644))
		return
	}
	want := loadKeyring(t)
	require.Len(t, want.Slots, len(knownWays))
	require.Len(t, want.MasterKeys, 5)

	t.Run("second implementation", func(t *testing.T) {
		require.Equal(t, want, answer(t, want.Header, want.Slots))
	})

	var pin recovery.Pin
	require.NoError(t, pin.UnmarshalBinary(want.Pin))
	h := parse(t, want.Header)
	digest, previous, account := h.Digest(), h.Previous(), h.Account()
	require.Equal(t, []byte(want.Digest), digest[:])
	require.Equal(t, []byte(want.PrevDigest), previous[:])
	require.Equal(t, []byte(want.Account), account[:])
	require.Equal(t, want.Revision, h.Revision())
	require.Equal(t, want.Epoch, h.Epoch())

	var k *recovery.Keyring
	for i := range want.Slots {
		a := &want.Slots[i]
		slot := h.Slots()[i]
		require.Equal(t, recovery.Slot{Type: recovery.SlotType(a.Type), Flags: a.Flags, ID: recovery.SlotID(a.ID), Born: a.Born,
			Params: a.Params, Wrapped: a.Wrapped}, slot)
		if testing.Short() && a.Type == 1 && !strings.Contains(a.Input["kdf"], "argon2id") {
			continue
		}
		way := a.way(t)
		opened, err := recovery.Open(context.Background(), h, onlySlot{way, recovery.SlotID(a.ID)}, pin)
		require.NoError(t, err, a.Name)
		if a.Type != 1 {
			_, err = recovery.Open(context.Background(), h, way, pin)
			require.NoError(t, err, a.Name)
		}
		lineage, master := opened.Keys()
		require.Equal(t, []byte(want.L), lineage)
		require.Equal(t, []byte(want.MasterKeys[4].Key), master)
		k = opened
		if p, ok := way.(*recovery.Phrase); ok {
			secret, err := p.AuthSecret()
			require.NoError(t, err)
			require.Equal(t, []byte(a.AuthSecret), secret)
			require.Equal(t, a.Input["words"], p.Words())
		}
	}
	for _, m := range want.MasterKeys {
		key, err := k.Key(m.Epoch)
		require.NoError(t, err)
		require.True(t, key.Equal(wrap.ImportKey([32]byte(m.Key))))
	}
	again, err := k.Pin()
	require.NoError(t, err)
	b, err := again.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, []byte(want.Pin), b)
}
