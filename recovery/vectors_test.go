package recovery_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

const keyringSource = "Made by this package, TestKnownAnswers -update, which draws all random values, under the licence of this module. " +
	"The second implementation in reference_test.go computed the other values. Hexadecimal, except for texts. The names are those of FORMAT.md"

// answers are the first headers of one account and all values in them.
type answers struct {
	Account       testvec.Hex    `json:"account"`
	L             testvec.Hex    `json:"lineage_key"`
	LineageMACKey testvec.Hex    `json:"lineage_mac_key"`
	MasterKeys    []masterAnswer `json:"master_keys"` // from epoch 1
	Slots         []slotAnswer   `json:"slots"`
	Headers       []headerAnswer `json:"headers"` // from revision 1
	Blobs         []blobAnswer   `json:"blobs"`
	// Unconfirmed is the checkpoint while it is not known whether the last
	// header is stored.
	Unconfirmed testvec.Hex `json:"unconfirmed_checkpoint"`
	Device      testvec.Hex `json:"device_secret"`
	Payload     testvec.Hex `json:"grant_payload"` // for the device, with the last header
	LoginID     idAnswer    `json:"phrase_login_id"`
}

type masterAnswer struct {
	Epoch   uint32      `json:"epoch"`
	Key     testvec.Hex `json:"key"`
	DataKey testvec.Hex `json:"data_key"`
	MKID    testvec.Hex `json:"mk_id"`
	MACKey  testvec.Hex `json:"mac_key"`
	Binding testvec.Hex `json:"history_binding,omitempty"` // not of the last
	Wrapped testvec.Hex `json:"history_entry,omitempty"`
}

type slotAnswer struct {
	Name   string            `json:"name"`
	Input  map[string]string `json:"input"`
	ID     testvec.Hex       `json:"id"`
	Type   byte              `json:"type"`
	Flags  byte              `json:"flags"`
	Born   uint32            `json:"born"`
	Family testvec.Hex       `json:"family"`
	Params testvec.Hex       `json:"params"`
	KDF    testvec.Hex       `json:"kdf_output,omitempty"`
	// The device has no values from IKM to Wrapped.
	IKM        testvec.Hex `json:"ikm,omitempty"`
	KEKSalt    testvec.Hex `json:"kek_salt,omitempty"`
	KEKInfo    testvec.Hex `json:"kek_info,omitempty"`
	KEK        testvec.Hex `json:"kek,omitempty"`
	Binding    testvec.Hex `json:"binding,omitempty"`
	Wrapped    testvec.Hex `json:"wrapped,omitempty"`
	Seed       testvec.Hex `json:"seed"`
	Digest     testvec.Hex `json:"slot_digest"`
	AuthSecret testvec.Hex `json:"auth_secret,omitempty"` // of phrases
}

type headerAnswer struct {
	Header     testvec.Hex `json:"header"`
	Digest     testvec.Hex `json:"digest"`
	Revision   uint64      `json:"revision"`
	Epoch      uint32      `json:"epoch"`
	Floor      uint32      `json:"floor"`
	Prev       testvec.Hex `json:"prev_digest"`
	Slots      []string    `json:"slots"` // names
	HPKEInfo   testvec.Hex `json:"hpke_info_of_first_slot"`
	LineageMAC testvec.Hex `json:"lineage_mac"`
	MasterMAC  testvec.Hex `json:"master_mac"`
	Checkpoint testvec.Hex `json:"checkpoint"`
}

type blobAnswer struct {
	Purpose string      `json:"purpose"`
	Item    testvec.Hex `json:"item"`
	Epoch   uint32      `json:"epoch"`
	Origin  uint32      `json:"origin"`
	Binding testvec.Hex `json:"binding"`
	Secret  testvec.Hex `json:"secret"`
	Blob    testvec.Hex `json:"blob"`
}

type idAnswer struct {
	ID    string      `json:"id"`
	Login testvec.Hex `json:"login"`
}

func loadAnswers(t testing.TB) answers {
	return testvec.Load[answers](t, testdata, "testdata/keyring.json")
}

// ikm computes what a slot's key is derived from, out of the inputs.
func (a *slotAnswer) ikm(t testing.TB, s *refSlot) {
	in := func(name string) []byte { return unhex(a.Input[name]) }
	switch s.kind {
	case 1:
		if !testing.Short() || a.KDF == nil || strings.Contains(a.Input["kdf"], "argon2id") { // the others are slow with the race detector
			a.KDF = s.refKDF([]byte(a.Input["password"]))
		}
		a.IKM = append(bytes.Clone(a.KDF), in("secret_key")...)
		require.Equal(t, s.flags == 1, a.Input["secret_key"] != "")
		if s.flags == 1 {
			require.Equal(t, a.Input["secret_key_text"], refSecretKeyText(in("secret_key")))
		}
	case 2:
		require.Equal(t, refSHA256(in("record")), s.params[32:])
		a.IKM = in("export_key")
	case 3:
		require.Equal(t, byte(len(in("entropy"))), s.params[32])
		a.IKM, a.AuthSecret = in("entropy"), refAuthSecret(in("entropy"))
	case 4:
		id, f := refParseFile(a.Input["text"])
		require.Equal(t, s.id, id)
		require.Equal(t, in("f"), f)
		a.IKM = append(in("f"), in("server_secret")...)
	case 5:
		want := refCursor(s.params[32:])
		require.Equal(t, in("evaluation_salt"), want.bytes(32))
		require.Equal(t, refSHA256(in("credential_id")), want.bytes(32))
		require.Equal(t, a.Input["rp_id"], string(want.bytes(int(want.u8()))))
		require.Empty(t, want)
		a.IKM = in("prf_output")
	}
}

// answer computes a slot's values from its inputs and the slot in a header.
func (a *slotAnswer) answer(t testing.TB, account []byte, s *refSlot) (out slotAnswer, lineage []byte) {
	out = slotAnswer{
		Name: a.Name, Input: a.Input, KDF: a.KDF, ID: s.id, Type: s.kind, Flags: s.flags, Born: s.born, Family: s.family, Params: s.params,
		Digest: s.slotDigest(),
	}
	if s.kind == 6 {
		out.Params, out.Seed = testvec.Hex{}, unhex(a.Input["seed"])
		return out, nil
	}
	out.ikm(t, s)
	out.KEKSalt, out.KEKInfo, out.KEK = s.kekSalt(), testvec.Hex(s.kekInfo()), s.refKEK(out.IKM)
	out.Binding, out.Wrapped = s.binding(account), s.wrapped
	secret, err := s.refSecret(account, out.KEK)
	require.NoError(t, err, out.Name)
	require.Len(t, secret, 64)
	out.Seed = secret[:32]
	return out, secret[32:]
}

// reference computes all values from the headers, the blobs and the inputs of
// slots, with the second implementation.
func reference(t testing.TB, in answers) (out answers) {
	names, seeds := make(map[string]string), make(map[string][]byte)
	headers := make([]refHeader, len(in.Headers))
	for i, h := range in.Headers {
		headers[i] = refParse(h.Header)
	}
	last := headers[len(headers)-1]
	out.Account = last.account
	for _, a := range in.Slots {
		for i := len(headers) - 1; i >= 0 && names[string(a.ID)] == ""; i-- {
			for _, s := range headers[i].slots {
				if !bytes.Equal(s.id, a.ID) {
					continue
				}
				slot, lineage := a.answer(t, out.Account, &s)
				if lineage != nil && out.L == nil {
					out.L = lineage
				}
				if lineage != nil {
					require.Equal(t, []byte(out.L), lineage, a.Name)
				}
				out.Slots = append(out.Slots, slot)
				names[string(a.ID)], seeds[string(a.ID)] = a.Name, slot.Seed
			}
		}
	}
	out.LineageMACKey = refMACKey(out.L)

	master := make(map[uint32][]byte)
	for n, h := range headers {
		a := headerAnswer{
			Header: in.Headers[n].Header, Digest: h.digest, Revision: h.revision, Epoch: h.epoch, Floor: h.floor, Prev: h.prev,
			LineageMAC: h.lineageMAC, MasterMAC: h.masterMAC, HPKEInfo: refMasterInfo(h.account, h.slots[0].id, h.epoch),
		}
		for i, s := range h.slots {
			a.Slots = append(a.Slots, names[string(s.id)])
			mk, err := h.refOpen(i, append(bytes.Clone(seeds[string(s.id)]), out.L...))
			require.NoError(t, err, names[string(s.id)])
			if master[h.epoch] == nil {
				master[h.epoch] = mk
			}
			require.Equal(t, master[h.epoch], mk)
		}
		a.Checkpoint = h.refCheckpoint(refMKID(master[h.epoch]))
		require.Equal(t, []byte(a.Header), h.encode(out.L, master[h.epoch]))
		out.Headers = append(out.Headers, a)
	}
	for e := uint32(1); e <= last.epoch; e++ {
		mk, err := last.refHistory(master[last.epoch], e)
		require.NoError(t, err)
		if master[e] != nil {
			require.Equal(t, master[e], mk)
		}
		m := masterAnswer{Epoch: e, Key: mk, DataKey: refDataKey(mk), MKID: refMKID(mk), MACKey: refMACKey(mk)}
		if e < last.epoch {
			m.Binding, m.Wrapped = refHistoryBinding(last.account, e), last.history[e-1]
		}
		out.MasterKeys = append(out.MasterKeys, m)
	}
	for _, b := range in.Blobs {
		secret, epoch, origin, err := refBlob(func(e uint32) ([]byte, error) { return out.MasterKeys[e-1].Key, nil }, b.Purpose, out.Account, b.Item, b.Blob)
		require.NoError(t, err)
		out.Blobs = append(out.Blobs, blobAnswer{b.Purpose, b.Item, epoch, origin, refBlobBinding(b.Purpose, out.Account, b.Item, epoch, origin), secret, b.Blob})
	}
	n := len(out.Headers)
	out.Unconfirmed = refUnconfirmed(out.Headers[n-2].Checkpoint, out.Headers[n-1].Checkpoint)
	for _, s := range out.Slots {
		if s.Type == 6 {
			out.Device = refDevice(out.Account, s.ID, append(bytes.Clone(s.Seed), out.L...))
			out.Payload = refPayload(s.ID, out.L, out.Headers[n-1].Checkpoint)
		}
	}
	out.LoginID = idAnswer{in.LoginID.ID, refPhraseLoginID([]byte(in.LoginID.ID))}
	return out
}

// newSlots are the slots of the known answers, in the order in which they come.
var newSlots = []slotAnswer{
	{Name: "password, Argon2id", Input: map[string]string{"password": "correct horse", "kdf": "$argon2id$v=19$m=19456,t=2,p=1"}},
	{Name: "export", Input: map[string]string{"export_key": strings.Repeat("e1e2e3e4", 16), "record": strings.Repeat("0a0b0c", 64)}},
	{Name: "phrase of 12", Input: map[string]string{"entropy": "000102030405060708090a0b0c0d0e0f"}},
	{Name: "passkey", Input: map[string]string{
		"prf_output": strings.Repeat("a1a2", 16), "evaluation_salt": strings.Repeat("5a", 32), "credential_id": "c0ffee", "rp_id": "example.org",
	}},
	{Name: "password with a secret key", Input: map[string]string{
		"password": "123456", "kdf": "$argon2id$v=19$m=19456,t=2,p=1",
		"secret_key": "000102030405060708090a0b0c0d0e0f", "secret_key_text": "NSK1-000G4-0R40M-30E20-9185G-R38E1-WF",
	}},
	{Name: "file", Input: map[string]string{}},
	{Name: "export, P-256, supersedes", Input: map[string]string{"export_key": strings.Repeat("f1f2", 16), "record": strings.Repeat("1a1b1c", 43)}},
	{Name: "password, PBKDF2, replaces", Input: map[string]string{"password": "pässwörd", "kdf": "$pbkdf2-sha512$i=210000"}},
	{Name: "phrase of 24", Input: map[string]string{"entropy": strings.Repeat("9f8e7d6c", 8)}},
	{Name: "device", Input: map[string]string{"seed": strings.Repeat("d0d1d2d3", 8)}},
	{Name: "password, scrypt", Input: map[string]string{"password": "battery staple", "kdf": "$scrypt$ln=16,r=8,p=1"}},
}

// slot returns what opens a slot. For all types except file and device it also
// seals.
func (a *slotAnswer) slot(t testing.TB, all answers) recovery.Opener {
	in := func(name string) []byte { return unhex(a.Input[name]) }
	switch name, _, _ := strings.Cut(a.Name, " "); strings.TrimSuffix(name, ",") {
	case "password":
		var key *recovery.SecretKey
		if text := a.Input["secret_key_text"]; text != "" {
			key = must(recovery.ParseSecretKey(text))
			require.Equal(t, in("secret_key"), recovery.SecretKeyBytes(key))
			require.Equal(t, text, key.Text())
		}
		return passwordWith(a.Input["password"], key, must(kdf.ParseParams(a.Input["kdf"])), kdf.Policy{})
	case "export":
		return recovery.NewExportKey(in("export_key"), in("record"))
	case "phrase":
		return recovery.PhraseOf(in("entropy"))
	case "file":
		return must(must(recovery.ParseFile(a.Input["text"])).WithServerSecret(in("server_secret")))
	case "passkey":
		return recovery.Passkey{
			Salt: [32]byte(in("evaluation_salt")), CredentialIDHash: [32]byte(refSHA256(in("credential_id"))), RPID: a.Input["rp_id"], UserVerified: true,
		}.WithPRF(in("prf_output"))
	case "device":
		return must(recovery.ParseDevice(all.Device))
	}
	require.FailNow(t, "no slot", a.Name)
	return nil
}

// maker makes the known answers.
type maker struct {
	t   testing.TB
	out answers
	k   *recovery.Keyring
}

// stored keeps the header of a draft.
func (m *maker) stored(d *recovery.Draft) {
	m.k = d.Stored()
	m.out.Headers = append(m.out.Headers, headerAnswer{Header: d.Header().Bytes()})
}

// sealer returns the Sealer of the next slot.
func (m *maker) sealer(name string) recovery.Sealer {
	a := newSlots[len(m.out.Slots)]
	require.Equal(m.t, name, a.Name)
	m.out.Slots = append(m.out.Slots, a)
	if name == "file" {
		return recovery.NewFile()
	}
	s := a.slot(m.t, answers{}).(recovery.Sealer)
	if p, ok := s.(*recovery.Phrase); ok {
		a.Input["words"] = p.Words()
	}
	return s
}

// seal seals the next slot.
func (m *maker) seal(name string) *recovery.SealedSlot {
	var sealed *recovery.SealedSlot
	if name == "device" {
		a := newSlots[len(m.out.Slots)]
		m.out.Slots = append(m.out.Slots, a)
		sealed = must(recovery.SealDevice(m.k, must(recovery.SlotPublicKey(unhex(a.Input["seed"])))))
	} else {
		s := m.sealer(name)
		sealed = seal(m.t, m.k, s)
		if f, ok := s.(*recovery.File); ok {
			_, half := refParseFile(f.Text())
			in := m.out.Slots[len(m.out.Slots)-1].Input
			in["text"], in["server_secret"], in["f"] = f.Text(), hex.EncodeToString(f.ServerSecret()), hex.EncodeToString(half)
		}
	}
	id := sealed.ID()
	m.out.Slots[len(m.out.Slots)-1].ID = id[:]
	return sealed
}

func (m *maker) blob(blob []byte, b wrap.Binding) []byte {
	m.out.Blobs = append(m.out.Blobs, blobAnswer{Purpose: b.Purpose, Item: b.Item, Blob: blob})
	return blob
}

func (m *maker) wrap(secret string, b wrap.Binding) []byte {
	return m.blob(must(m.k.Wrap([]byte(secret), b)), b)
}

func makeAnswers(t testing.TB) answers {
	m := &maker{t: t}
	m.out.LoginID.ID = "alice"
	id := func(name string) recovery.SlotID {
		for _, a := range m.out.Slots {
			if a.Name == name {
				return recovery.SlotID(a.ID)
			}
		}
		require.FailNow(t, name)
		return recovery.SlotID{}
	}
	// Create seals by itself. Its slots are told apart by their types.
	m.stored(must(recovery.Create(t.Context(), m.sealer("password, Argon2id"), m.sealer("export"), m.sealer("phrase of 12"))))
	for i, typ := range []string{"password", "export", "phrase"} {
		id := slotIDs(m.k, typ)[0]
		m.out.Slots[i].ID = id[:]
	}
	note := wrap.Binding{Purpose: "example.org/note", Item: []byte("1")}
	first := m.wrap("of epoch 1", note)
	m.wrap("lost with epoch 1", files("lost"))

	passkey, withKey, file := m.seal("passkey"), m.seal("password with a secret key"), m.seal("file")
	m.stored(change(t, m.k, func(e *recovery.Edit) error {
		e.Rotate()
		for _, s := range []*recovery.SealedSlot{passkey, withKey, file} {
			require.NoError(t, e.Add(s))
		}
		return nil
	}))
	m.wrap("of epoch 2", wrap.Binding{Purpose: "p"})
	m.blob(must(m.k.Rewrap(first, note)), note)

	export, pbkdf2 := m.seal("export, P-256, supersedes"), m.seal("password, PBKDF2, replaces")
	m.stored(change(t, m.k, func(e *recovery.Edit) error {
		require.NoError(t, e.Supersede(id("export"), export))
		return e.Replace(withKey.ID(), pbkdf2)
	}))
	long, device, scrypt := m.seal("phrase of 24"), m.seal("device"), m.seal("password, scrypt")
	m.stored(change(t, m.k, func(e *recovery.Edit) error {
		for _, s := range []*recovery.SealedSlot{long, device, scrypt} {
			require.NoError(t, e.Add(s))
		}
		require.NoError(t, e.CloseBefore(2))
		return e.Revoke(id("phrase of 12"))
	}))
	m.stored(change(t, m.k, rotate))
	m.blob(must(m.k.Rewrap(m.out.Blobs[3].Blob, note)), note)
	key, blob, err := m.k.Generate(files("key"))
	require.NoError(t, err)
	require.NotNil(t, key)
	m.blob(blob, files("key"))
	return m.out
}

// TestKnownAnswers computes every value of testdata/keyring.json with a second
// implementation, and has the package find the same. With -update it writes the
// file.
func TestKnownAnswers(t *testing.T) {
	if *update {
		testvec.Write(t, "testdata/keyring.json", keyringSource, reference(t, makeAnswers(t)))
		return
	}
	want := loadAnswers(t)
	require.Len(t, want.Slots, len(newSlots))
	require.Len(t, want.MasterKeys, 5)
	require.Len(t, want.Headers, 5)
	require.Len(t, want.Blobs, 6)
	t.Run("second implementation", func(t *testing.T) { require.Equal(t, want, reference(t, want)) })
	t.Run("headers", want.checkHeaders)
	t.Run("slots", want.checkSlots)
	t.Run("blobs", want.checkBlobs)
	t.Run("checkpoints", want.checkCheckpoints)
	t.Run("device", want.checkDevice)
}

// account returns the account's number.
func (want answers) account() recovery.AccountID { return recovery.AccountID(want.Account) }

func (want answers) checkHeaders(t *testing.T) {
	var before *recovery.Header
	for i, a := range want.Headers {
		h := parse(t, a.Header)
		digest, prev := h.Digest(), h.Previous()
		require.Equal(t, []byte(a.Digest), digest[:])
		require.Equal(t, []byte(a.Prev), prev[:])
		require.Equal(t, want.account(), h.Account())
		require.Equal(t, []uint32{a.Epoch, a.Floor}, []uint32{h.Epoch(), h.Floor()})
		require.EqualValues(t, i+1, h.Revision())
		require.NoError(t, h.Follows(before))
		before = h
		for j, s := range h.Slots() {
			for _, known := range want.Slots {
				if known.Name != a.Slots[j] {
					continue
				}
				require.Equal(t, []any{refNames[known.Type], known.Flags, recovery.SlotID(known.ID), known.Born, recovery.SlotID(known.Family)},
					[]any{s.Type, s.Flags, s.ID, s.Born, s.Family})
				require.True(t, bytes.Equal(known.Params, s.Params) && bytes.Equal(known.Wrapped, s.Wrapped))
			}
		}
	}
}

// onlySlot is an Opener of one slot.
type onlySlot struct {
	recovery.Opener
	id recovery.SlotID
}

func (o onlySlot) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	if s.ID != o.id {
		return nil, recovery.ErrWrongSecret
	}
	return o.Opener.Open(ctx, b, s)
}

// checkSlots opens each header with each slot, and with slow passwords only the
// last one.
func (want answers) checkSlots(t *testing.T) {
	for _, a := range want.Slots {
		o := onlySlot{a.slot(t, want), recovery.SlotID(a.ID)}
		slow := a.Type == 1 && !strings.Contains(a.Input["kdf"], "argon2id")
		opened := 0
		for i, known := range want.Headers {
			h := parse(t, known.Header)
			if !slices.Contains(known.Slots, a.Name) || slow && (testing.Short() || i < len(want.Headers)-1) {
				continue
			}
			checkpoints := []recovery.Checkpoint{recovery.TrustOnFirstUse(want.account()), readCheckpoint(t, known.Checkpoint)}
			if i > 0 {
				checkpoints = append(checkpoints, readCheckpoint(t, want.Headers[i-1].Checkpoint))
			}
			if slow {
				checkpoints = checkpoints[:1]
			}
			for _, c := range checkpoints {
				k, err := recovery.Open(t.Context(), h, o, c)
				require.NoError(t, err, a.Name)
				lineage, master := recovery.KeysOf(k)
				require.Equal(t, []byte(want.L), lineage)
				require.Equal(t, []byte(want.MasterKeys[known.Epoch-1].Key), master)
				require.Equal(t, []byte(a.Seed), recovery.SeedOf(k))
				require.Equal(t, []byte(known.Checkpoint), must(k.Checkpoint().MarshalBinary()))
				opened++
			}
		}
		require.True(t, opened > 0 || slow && testing.Short(), a.Name)
		if p, ok := o.Opener.(*recovery.Phrase); ok {
			require.Equal(t, []byte(a.AuthSecret), must(p.AuthSecret()))
			require.Equal(t, a.Input["words"], p.Words())
		}
		if f, ok := o.Opener.(*recovery.File); ok {
			require.Equal(t, a.Input["text"], f.Text())
		}
	}
	require.Equal(t, []byte(want.LoginID.Login), recovery.PhraseLoginID([]byte(want.LoginID.ID)))
}

// openLast opens the last header.
func (want answers) openLast(t testing.TB) *recovery.Keyring {
	last := want.Headers[len(want.Headers)-1]
	return open(t, parse(t, last.Header), want.Slots[1].slot(t, want), readCheckpoint(t, last.Checkpoint))
}

func (want answers) checkBlobs(t *testing.T) {
	k := want.openLast(t)
	seen := make(map[[2]uint32]bool)
	for _, a := range want.Blobs {
		seen[[2]uint32{a.Epoch, a.Origin}] = true
		b := wrap.Binding{Purpose: a.Purpose, Item: a.Item}
		require.Equal(t, a.Epoch, must(recovery.BlobEpoch(a.Blob)))
		secret, err := k.UnwrapOld(a.Blob, b)
		_, errNow := k.Unwrap(a.Blob, b)
		if a.Epoch < k.Floor() {
			require.Equal(t, recovery.ErrEpochClosed, err)
			require.Equal(t, recovery.ErrEpochClosed, errNow)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []byte(a.Secret), secret)
		if a.Origin < k.Epoch() {
			require.Equal(t, recovery.ErrOldKey, errNow)
		} else {
			require.NoError(t, errNow)
		}
	}
	require.Equal(t, map[[2]uint32]bool{{1, 1}: true, {2, 2}: true, {2, 1}: true, {5, 1}: true, {5, 5}: true}, seen)
}

func (want answers) checkCheckpoints(t *testing.T) {
	n := len(want.Headers)
	old, candidate := readCheckpoint(t, want.Headers[n-2].Checkpoint), readCheckpoint(t, want.Headers[n-1].Checkpoint)
	u := readCheckpoint(t, want.Unconfirmed)
	require.Equal(t, recovery.Unconfirmed(old, candidate), u)
	require.Equal(t, []byte(want.Unconfirmed), must(u.MarshalBinary()))
	for _, a := range want.Headers[n-2:] {
		open(t, parse(t, a.Header), want.Slots[1].slot(t, want), u)
	}
	for i, a := range want.Headers[:n-1] {
		later := readCheckpoint(t, want.Headers[i+1].Checkpoint)
		require.Equal(t, recovery.ErrRollback, openErr(t, parse(t, a.Header), want.Slots[1].slot(t, want), later))
	}
}

func (want answers) checkDevice(t *testing.T) {
	k := want.openLast(t)
	for _, a := range want.Slots {
		if a.Type != 6 {
			continue
		}
		payload, id, err := recovery.Payload(k, must(recovery.SlotPublicKey(a.Seed)))
		require.NoError(t, err)
		require.Equal(t, recovery.SlotID(a.ID), id)
		require.Equal(t, []byte(want.Payload), payload)
		d, c, err := recovery.ParseGrant(want.account(), payload, a.Seed)
		require.NoError(t, err)
		require.Equal(t, []byte(want.Device), d.Secret())
		require.Equal(t, k.Checkpoint(), c)
		requireOpens(t, k, d)
	}
}
