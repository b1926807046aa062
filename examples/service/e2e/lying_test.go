package e2e

import (
	"encoding/json"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// lies makes the server answer a request differently. A message is decoded,
// changed and encoded again.
func lies[T any](f *faults, path string, change func(*T)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = func(r client.Request, out *client.Response) {
		var message T
		if r.Path == path && out.Status == 200 && json.Unmarshal(out.Body, &message) == nil {
			change(&message)
			out.Body, _ = json.Marshal(message)
		}
	}
}

func (f *faults) honest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = nil
}

// headerOf returns the stored header of an account.
func (d *device) headerOf() []byte { return d.w.header(d.token()) }

// removedHolder is somebody who had the file of an account until it was removed.
// It returns the header from before the removal.
func (e *everything) removedHolder() (holder *recoverytest.Holder, before []byte) {
	ctx := e.Context()
	text, err := e.laptop.MakeFile(ctx, []byte(password))
	require.NoError(e, err)
	thief := e.device()
	require.NoError(e, thief.ClaimFile(ctx, who("alice0"), parsedFile(e.world, text)))
	e.clock.advance(day)
	status, opened := e.opened(thief.claimToken())
	require.Equal(e, 200, status)
	file, err := parsedFile(e.world, text).WithServerSecret(opened.Half)
	require.NoError(e, err)
	before = e.laptop.headerOf()
	h, err := recovery.ParseHeader(before)
	require.NoError(e, err)
	holder = recoverytest.NewHolder(file)
	_, err = recovery.Open(ctx, h, holder, recovery.TrustOnFirstUse(h.Account()))
	require.NoError(e, err)
	require.NoError(e, holder.Learn(before))
	e.laptop.shown()
	require.NoError(e, e.laptop.RemoveSlots(ctx, []byte(password), file.ID()))
	return holder, before
}

// recoveries are the ways back in on a device, without waits: the claims are
// ready.
func (e *everything) recoveries() map[string]func(*device) error {
	ctx := e.Context()
	byFile, byContacts := e.device(), e.device()
	require.NoError(e, byFile.ClaimFile(ctx, who("alice0"), e.file))
	require.NoError(e, byContacts.ClaimContacts(ctx, who("alice0")))
	e.friends[0].helps(byContacts)
	e.friends[1].helps(byContacts)
	e.clock.advance(day)
	with := func(from *device, f *recovery.File) func(*device) error {
		return func(d *device) error {
			d.store.mu.Lock()
			d.store.values["claim"] = from.store.values["claim"]
			d.store.mu.Unlock()
			return d.OpenClaim(ctx, f)
		}
	}
	return map[string]func(*device) error{
		"phrase":   func(d *device) error { return d.LoginPhrase(ctx, who("alice0"), e.phrase) },
		"file":     with(byFile, e.file),
		"contacts": with(byContacts, nil),
	}
}

// known returns a copy of a device.
func (d *device) copy() *device {
	s := newMemory()
	for key, value := range d.store.values {
		s.values[key] = value
	}
	return d.w.deviceWith(s, nil)
}

// TestLyingServerAtRecovery: a removed holder and the server together make
// headers. A device that has seen the removal accepts none with any way in, keeps
// what it has, and follows the honest server afterwards.
func TestLyingServerAtRecovery(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		holder, before := e.removedHolder()
		honest := e.laptop.headerOf()
		forgeries, err := holder.Forgeries(honest)
		require.NoError(w, err)
		forgeries["rolled back"] = before
		forgeries["another account's"] = w.account(1).headerOf()
		e.laptop.shown()
		ways := e.recoveries()
		approved := e.phone.copy()
		require.NoError(w, approved.ClaimPassword(ctx))
		w.clock.advance(day)
		for what, forged := range forgeries {
			for way, enter := range ways {
				d, f := e.laptop.copy().faulty()
				f.serveHeader(forged)
				require.Error(w, enter(d), "%s: %s", way, what)
				_, err := d.SetPassword(ctx, one(other), false)
				require.Error(w, err, "%s: %s", way, what)
				f.honest()
				require.NoError(w, enter(d), "%s: %s", way, what)
				d.requireNote()
			}
			d, f := approved.copy().faulty()
			_, err := d.Unlock(ctx, []byte("pin of the phone"))
			require.NoError(w, err)
			f.serveHeader(forged)
			require.Error(w, d.OpenClaim(ctx, nil), what)
			_, err = d.SetPassword(ctx, one(other), false)
			require.Error(w, err, what)
			require.Equal(w, note, d.notes(), what)
			f.honest()
			require.NoError(w, d.OpenClaim(ctx, nil), what)
			d.requireNote()
		}
		require.Equal(w, honest, e.phone.headerOf(), "nothing was stored")
	})
}

// TestLyingServerAtANewDevice: a new device has seen nothing, and can be shown
// an old or forged header of the account. It then says that it has trusted the
// server, and stores nothing at an honest one. It never opens another account's
// keyring, and an approved device is shown no old header.
func TestLyingServerAtANewDevice(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		holder, before := e.removedHolder()
		honest := e.laptop.headerOf()
		forgeries, err := holder.Forgeries(honest)
		require.NoError(w, err)
		forgeries["rolled back"] = before
		strange := w.account(1).headerOf()
		ways := e.recoveries()
		opened := 0
		for way, enter := range ways {
			for what, forged := range forgeries {
				d, f := w.device().faulty()
				f.serveHeader(forged)
				if enter(d) != nil {
					continue
				}
				opened++
				entered, err := d.SetPassword(ctx, one(other), false)
				require.Error(w, err, "%s: %s", way, what)
				require.Zero(w, entered)
				require.Equal(w, honest, e.laptop.headerOf())
				f.honest()
				err = d.restart().LoginPhrase(ctx, who("alice0"), e.phrase)
				require.Equal(w, what == "rolled back", err == nil, "%s: %s: it keeps to what it saw: %v", way, what, err)
				require.NoError(w, d.Forget(ctx))
				require.NoError(w, enter(d), "%s: %s", way, what)
				d.requireNote()
			}
			d, f := w.device().faulty()
			for what, forged := range map[string][]byte{"another account's": strange, "none": nil, "garbage": []byte("NSCO")} {
				lies(f, "/v1/keyring", func(k *api.Keyring) { k.Header = forged })
				require.Error(w, enter(d), "%s: %s", way, what)
			}
			f.honest()
			require.NoError(w, enter(d), way)
			d.requireNote()
		}
		require.NotZero(w, opened)

		joined, f := w.device().faulty()
		a, err := joined.Join(ctx, who("alice0"))
		require.NoError(w, err)
		_, err = e.laptop.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, e.laptop.GrantQR(ctx, []byte(password), a.QR()))
		forgeries["another account's"] = strange
		for what, forged := range forgeries {
			f.serveHeader(forged)
			require.Error(w, a.Joined(ctx, "", []byte("a pin")), what)
		}
		f.honest()
		require.NoError(w, a.Joined(ctx, "", []byte("a pin")))
		joined.requireNote()
	})
}

// TestWrongAnswersAtRecovery: the server answers with wrong halves, with another
// account's answers to a phrase, and with sessions of another account. No
// keyring opens, and the honest server is heard afterwards.
func TestWrongAnswersAtRecovery(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		e := w.everything()
		mallory := w.account(1)
		theirs := api.Opened{Token: mallory.token(), Account: accountOf(mallory)}
		ways := e.recoveries()
		open := func(change func(*api.Opened)) func(*faults) {
			return func(f *faults) { lies(f, "/v1/claims/open", change) }
		}
		login := func(change func(*api.LoggedIn)) func(*faults) {
			return func(f *faults) { lies(f, "/v1/login/finish", change) }
		}
		begun := func(change func(*api.Begun)) func(*faults) {
			return func(f *faults) { lies(f, "/v1/login/begin", change) }
		}
		session := open(func(o *api.Opened) { o.Token, o.Session, o.Account = theirs.Token, theirs.Session, theirs.Account })
		id := open(func(o *api.Opened) { o.Account = api.ID{1} })
		for way, all := range map[string]map[string]func(*faults){
			"file": {
				"another half":    open(func(o *api.Opened) { o.Half = make([]byte, 32); o.Half[0] = 1 }),
				"a zero half":     open(func(o *api.Opened) { o.Half = make([]byte, 32) }),
				"no half":         open(func(o *api.Opened) { o.Half = nil }),
				"another session": session, "another id": id,
			},
			"contacts": {"another session": session, "another id": id},
			"phrase": {
				"another response": begun(func(b *api.Begun) { b.Response[len(b.Response)-1] ^= 1 }),
				"no response":      begun(func(b *api.Begun) { b.Response = nil }),
				"of SRP":           begun(func(b *api.Begun) { b.Response[0] = 'S' }),
				"another reply":    login(func(l *api.LoggedIn) { l.Reply = append([]byte(nil), l.Reply...); l.Reply = append(l.Reply, 1) }),
				"another session":  login(func(l *api.LoggedIn) { l.Token, l.Account = theirs.Token, theirs.Account }),
				"another id":       login(func(l *api.LoggedIn) { l.Account = api.ID{1} }),
			},
		} {
			for what, lie := range all {
				for kind, d := range map[string]*device{"a new device": w.device(), "a known device": e.laptop.copy()} {
					d, f := d.faulty()
					lie(f)
					err := ways[way](d)
					if what != "another id" || kind == "a known device" {
						require.Error(w, err, "%s: %s: %s", way, what, kind)
					}
					f.honest()
					if err == nil { // the right keyring under a wrong id
						require.NoError(w, d.Forget(w.Context()))
					}
					require.NoError(w, ways[way](d), "%s: %s: %s", way, what, kind)
					d.requireNote()
				}
			}
		}
		require.Equal(w, []string{"Key: " + secret}, mallory.notes())
	})
}

func accountOf(d *device) (id api.ID) {
	var state struct{ Account api.ID }
	unmarshal(d.w, string(d.store.values["account"]), &state)
	return state.Account
}
