package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// notices is a Notifier that keeps what it gets. It may refuse notices.
type notices struct {
	mu     sync.Mutex
	got    []server.Notice
	refuse error
	after  func() // is called after each notice, if not nil
}

func (n *notices) Notify(_ context.Context, one server.Notice) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse == nil {
		n.got = append(n.got, one)
	}
	if n.after != nil {
		n.after()
	}
	return n.refuse
}

// plainItems decrypts all items of an account, also those that only clients use.
func (w *world) plainItems(name, password string) (items []client.Item) {
	ctx := w.Context()
	export, session, _ := w.logIn(name, password)
	h, err := recovery.ParseHeader(w.header(session.Token))
	require.NoError(w, err)
	keyring, err := recovery.Open(ctx, h, recovery.NewExportKey(export, nil), recovery.TrustOnFirstUse(h.Account()))
	require.NoError(w, err)
	var out api.Items
	status, body := w.request("GET", "/v1/items", session.Token, "")
	require.Equal(w, 200, status)
	unmarshal(w, body, &out)
	for _, i := range out.Items {
		secret, err := keyring.UnwrapOld(i.Key, wrap.Binding{Purpose: "service.nescio/item-key/v1", Item: i.ID[:]})
		require.NoError(w, err)
		b, err := wrap.ImportKey([32]byte(secret)).Unwrap(ctx, i.Body, wrap.Binding{Purpose: "service.nescio/item/v1", Item: i.ID[:], Epoch: uint64(i.Version)})
		require.NoError(w, err)
		item := client.Item{ID: i.ID}
		unmarshal(w, string(b), &item)
		items = append(items, item)
	}
	return items
}

// TestServerLearnsNothingOfTheWays: no phrase, file, half, share, code, link or
// text of any way back into an account is in the database, in the logs, in the
// metrics or in a notice.
func TestServerLearnsNothingOfTheWays(t *testing.T) {
	var told *notices
	change := func(c *server.Config) {
		told = new(notices)
		c.Notifier = told
	}
	inWorlds(t, change, func(w *world) {
		ctx := w.Context()
		secrets := make(map[string][]byte)
		add := func(what string, values ...[]byte) {
			for _, value := range values {
				require.GreaterOrEqual(w, len(value), 6, what)
				secrets[fmt.Sprintf("%s %d", what, len(secrets))] = value
			}
		}
		texts := func(what string, values ...string) {
			for _, value := range values {
				add(what, []byte(value))
			}
		}
		w.seen = w.tokens(add)
		laptop := w.account(0)
		texts("password", password, other, "a pin of the phone")

		// A phrase, which was used, and one that was replaced.
		for range 2 {
			laptop.shown()
			p := laptop.withPhrase()
			words := strings.Fields(p.Words())
			texts("phrase", p.Words(), strings.ToUpper(p.Words()), strings.Join(words, ""), strings.Join(words, "-"), strings.Join(words[:4], " "), strings.Join(words[8:], " "))
			auth, err := p.AuthSecret()
			require.NoError(w, err)
			add("entropy and secret of the phrase", p.Entropy(), auth)
			w.recovering("alice0", p)
		}

		// A file.
		file := laptop.withFile()
		lines := strings.Split(file.Text(), "\n")
		texts("file", file.Text(), lines[1])
		raw, err := base64.StdEncoding.DecodeString(lines[1] + lines[2])
		require.NoError(w, err)
		require.Equal(w, file.ID(), recovery.SlotID(raw[1:17]))
		add("the user's half of the file", raw[17:49])

		// A contact with typed codes, and one with a QR code.
		c := w.newCircle(laptop, 2, 2)
		link, err := laptop.Invite(ctx, "somebody whom nobody else knows")
		require.NoError(w, err)
		linkSecret := link[strings.LastIndex(link, ".")+1:]
		raw, err = base64.RawURLEncoding.DecodeString(linkSecret)
		require.NoError(w, err)
		add("link", []byte(link), []byte(linkSecret), raw)
		texts("label", "somebody whom nobody else knows")
		qr := func(a *client.Asking) {
			b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(a.QR(), "nescio-approve:"))
			require.NoError(w, err)
			add("QR code", []byte(a.QR()), []byte(a.QR()[15:]), b[len(b)-16:])
		}
		codes := func(a *client.Asking, typed string) {
			shown, err := a.Code(ctx)
			require.NoError(w, err)
			texts("typed code", shown, typed)
		}
		claimant := w.device()
		require.NoError(w, claimant.ClaimContacts(ctx, who("alice0")))
		a, err := claimant.AskContact(ctx)
		require.NoError(w, err)
		typed := c.friends[0].compares(a, "")
		codes(a, typed)
		_, err = a.Share(ctx, typed)
		require.NoError(w, err)
		a, err = claimant.AskContact(ctx)
		require.NoError(w, err)
		qr(a)
		require.NoError(w, c.friends[1].GrantQR(ctx, nil, a.QR()))
		_, err = a.Share(ctx, "")
		require.NoError(w, err)
		var kept struct{ Shares [][]byte }
		require.NoError(w, json.Unmarshal(claimant.store.values["claim"], &kept))
		require.Len(w, kept.Shares, 2)
		add("share", kept.Shares...)
		claimant.waits(nil)

		// Two devices, one with typed codes. Its session is named.
		phone := w.device()
		a, err = phone.Join(ctx, laptop.Who())
		require.NoError(w, err)
		qr(a)
		require.NoError(w, laptop.GrantQR(ctx, []byte(password), a.QR()))
		require.NoError(w, a.Joined(ctx, "", []byte("a pin of the phone")))
		a, err = w.device().Join(ctx, laptop.Who())
		require.NoError(w, err)
		typed = laptop.compares(a, password)
		codes(a, typed)
		require.NoError(w, a.Joined(ctx, typed, []byte("a pin of the phone")))
		require.NoError(w, phone.NameSession(ctx, "the phone of Alice"))
		texts("session name", "the phone of Alice")

		// A recovery by file with a new password, and a review.
		claimant = w.device()
		require.NoError(w, claimant.ClaimFile(ctx, who("alice0"), file))
		claimant.waits(file)
		_, err = claimant.SetPassword(ctx, one(other), false)
		require.NoError(w, err)
		for i, name := range []string{"alice0", "nobody"} {
			texts("review", "I claim this account, because of", "a note by the operator", "the reason why it is")
			require.NoError(w, w.device().ClaimReview(ctx, name, "I claim this account, because of a fire."))
			queue, err := w.reviews().List(ctx)
			require.NoError(w, err)
			require.Len(w, queue, 1)
			require.NoError(w, w.reviews().Note(ctx, queue[0].ID, "This is a note by the operator."))
			decide := []func(context.Context, api.ID, string) error{w.reviews().Approve, w.reviews().Refuse}[i]
			require.NoError(w, decide(ctx, queue[0].ID, "That is the reason why it is so."))
		}
		w.seen = nil
		items := w.plainItems("alice0", other)
		for _, friend := range c.friends {
			items = append(items, w.plainItems(friend.Name(), password)...)
		}
		shares, keys := 0, 0
		for _, i := range items {
			if i.Title == "the owner" {
				i.Title = "" // comments of the tables contain it
			}
			for _, value := range []string{i.Fields["secret"], i.Fields["share"], i.Title, i.Text} {
				if len(value) < 10 || strings.HasPrefix(value, "alice0") { // names are in notices
					continue
				}
				texts("item", value)
				if raw, err := base64.RawStdEncoding.DecodeString(value); err == nil {
					add("secret of an item", raw)
				}
			}
			shares += len(i.Fields["share"])
			keys += len(i.Fields["secret"])
		}
		require.NotZero(w, shares)
		require.NotZero(w, keys)

		w.tend()
		require.NotEmpty(w, told.got)
		dump := append(w.dump(), fmt.Sprintf("%+v", told.got)...)
		require.Greater(w, len(dump), 10_000)
		require.Empty(w, found(dump, secrets))
		tested := make(map[string]bool)
		for what, value := range secrets {
			kind := strings.TrimRight(what, "0123456789")
			if tested[kind] {
				continue
			}
			tested[kind] = true
			for _, form := range append(forms(value), value) {
				require.Contains(w, found(append(bytes.Clone(dump), form...), map[string][]byte{what: value}), what, "a planted secret")
			}
		}
		require.GreaterOrEqual(w, len(tested), 17, tested)
	})
}
