package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

const day = 24 * 60 * 60

var wordPattern = regexp.MustCompile(`\d+\. ([a-z]+)`)

// words returns the phrase that was printed.
func words(t testing.TB, out string) string {
	var all []string
	for _, m := range wordPattern.FindAllStringSubmatch(out, -1) {
		all = append(all, m[1])
	}
	require.Len(t, all, 12, out)
	return strings.Join(all, " ")
}

// withPhrase runs a command that prints a phrase and asks it back.
func (p person) withPhrase(lines string, args ...string) (phrase, out string) {
	p.Helper()
	p.Setenv("NESCIO_FOLDER", p.folder)
	var shown, errOut strings.Builder
	rest := ""
	input = io.MultiReader(strings.NewReader(lines), asking(func() string {
		if rest == "" {
			rest = words(p, shown.String()) + "\n"
		}
		one := rest[:1]
		rest = rest[1:]
		return one
	}))
	require.NoError(p, program.Run(p.Context(), args, &shown, &errOut), errOut.String())
	return words(p, shown.String()), shown.String() + errOut.String()
}

// TestPhrase: a phrase is made at sign-up or later. It opens the account on a
// new device at once, without a code.
func TestPhrase(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	out := a.must(pass, "signup", "alice")
	require.Contains(t, out, "Nobody can reset the password")
	require.Contains(t, out, "The account has no recovery phrase.")
	require.Contains(t, a.must("", "account"), "recovery:       no phrase, 0 files\n")
	a.must(pass, "add", "-title", "Note", "-text", "kept")
	a.fails("the account has no recovery phrase", pass, "phrase", "-remove")
	a.fails("a recovery phrase has 12 words, and this has 3", pass+"one two three\n\n", "phrase")
	a.fails("the words do not match", pass+strings.Repeat("abandon ", 11)+"about\n", "phrase")
	a.fails("the password", "wrong password\n", "phrase")
	b.fails("the name or the phrase is wrong, or the account has no phrase", strings.Repeat("abandon ", 11)+"about\n", "recover", "-phrase", "alice")

	former, out := a.withPhrase(pass, "phrase")
	require.Contains(t, out, "The recovery phrase is made.")
	require.Contains(t, a.must("", "account"), "recovery:       a phrase, 0 files\n")
	require.Contains(t, a.must(pass, "slots"), "  a recovery phrase\n")
	phrase, out := a.withPhrase(pass, "phrase")
	require.Contains(t, out, "opens nothing once there is a new one")

	b.fails("word 2 is in no recovery phrase", "zoo nonsense "+strings.Repeat("zoo ", 10)+"\n", "recover", "-phrase", "alice")
	b.fails("words are in the wrong order", strings.Repeat("zoo ", 12)+"\n", "recover", "-phrase", "alice")
	b.fails("the name or the phrase is wrong", former+"\n", "recover", "-phrase", "alice")
	secret := find(t, `secret=([A-Z2-7]{32})`, w.totpOn(a))

	// In two lines, with numbers, as people write it.
	first, second, _ := strings.Cut(strings.ToUpper(phrase), " ")
	w.step()
	out = b.must("1. "+first+"\n2. "+second+"\nanother horse\nno\n"+w.code(secret)+"\nyes\n", "recover", "-phrase", "alice")
	require.Contains(t, out, "the account is open: set a new password now\n")
	require.Contains(t, out, "The password is set.")
	require.Contains(t, b.must("another horse\n", "list"), "Note")
	require.Contains(t, b.must("", "account"), "second factor:  on")
	require.Contains(t, a.must(pass, "list"), "logged out: showing what was fetched")
	a.fails("the name or the password is wrong", pass, "login")

	c := w.device()
	c.fails("a new password has at least 8 characters", phrase+"\nshort\n", "recover", "-phrase", "alice")
	c.fails("use recover -phrase again", "", "recover")
	c.fails("this device recovers the account: finish with recover", "", "phrase")

	// The same device forgets the password again, and the authenticator too.
	require.Contains(t, a.must(phrase+"\n"+"a third horse\nyes\nyes\n", "recover", "-phrase"), "The password is set.")
	require.Contains(t, a.must("", "account"), "second factor:  off")
	a.must("a third horse\n", "phrase", "-remove")
	b.fails("the name or the phrase is wrong", phrase+"\n", "recover", "-phrase", "alice")

	d := w.device()
	phrase, out = d.withPhrase(pass+"yes\n", "signup", "carol")
	require.Contains(t, out, "The recovery phrase is made.")
	require.Contains(t, w.device().must(phrase+"\nanother horse\n", "recover", "-phrase", "carol"), "The password is set.")
}

// TestCodePrompt: nobody sends a phrase where a code is asked.
func TestCodePrompt(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	phrase, _ := a.withPhrase(pass+"yes\n", "signup", "alice")
	secret := find(t, `secret=([A-Z2-7]{32})`, w.totpOn(a))
	w.step()
	out := b.must(pass+phrase+"\n"+w.code(secret)+"\nyes\n", "login", "alice")
	require.Contains(t, out, "That is longer than any code, and was not sent.")
	require.Contains(t, out, "logged in as alice")
}

// TestFile: a file opens the account after a wait, which the owner sees, delays
// and can end.
func TestFile(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.must(pass, "signup", "alice")
	a.must(pass, "add", "-title", "Note", "-text", "kept")
	path := filepath.Join(t.TempDir(), "alice.recovery")
	out := a.must(pass, "file", "-o", path)
	slot := find(t, `with the slot ([0-9a-f]{8})`, strings.ReplaceAll(out, "\n", " "))
	require.Contains(t, a.must(pass, "slots"), slot+"  a recovery file, with the server\n")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	a.fails("is not overwritten", pass, "file", "-o", path)
	require.NoError(t, os.WriteFile(path+".bad", []byte("text"), 0o600))
	b.fails("is not a recovery file", "", "recover", "-file", path+".bad", "alice")
	b.fails("no such file", "", "recover", "-file", path+".none", "alice")
	b.fails("this device has no claim", "", "recover")
	b.fails("this device has no claim", "yes\n", "recover", "-drop")
	require.Contains(t, a.must("", "claims"), "there are no claims")

	out = b.must("", "recover", "-file", path, "alice")
	require.Contains(t, out, "claim:    with a recovery file\nstate:    it waits until ")
	require.Contains(t, out, "can cancel the claim")
	require.Equal(t, out, b.must("", "recover"))
	b.fails("this device has a claim already", "", "recover", "-file", path, "alice")
	b.fails("this device has a claim already", "", "recover", "-contacts")
	require.Contains(t, a.must(pass, "list"), "attention: 1 claim of this account is open.")
	out = a.must("", "claims")
	id := find(t, `(?m)^([0-9a-f]{8})  .*  waits until \d`, out)
	require.Contains(t, a.must("", "claims", "-delay", id), "the claim waits until ")
	a.fails("the claim was delayed already", "", "claims", "-delay", id)
	require.Contains(t, strings.Join(strings.Fields(a.must("", "claims")), " "), ", delayed")

	w.seconds.Add(day + 60)
	require.Contains(t, b.must("", "recover"), "state:    it waits until ")
	w.seconds.Add(day)
	out = b.must("", "recover")
	require.Contains(t, out, "state:    it is ready, until ")
	require.Contains(t, out, "To open the account, use recover -file FILE")
	a.must(pass, "file", "-o", path+".2")
	b.fails("the file is not the one that the claim was begun with", "", "recover", "-file", path+".2")
	out = b.must("another horse\nyes\n", "recover", "-file", path)
	require.Contains(t, out, "The password is set.")
	require.Contains(t, b.must("another horse\n", "list"), "Note")
	require.NotContains(t, b.must("another horse\n", "list"), "attention")
	b.fails("this device has no claim", "", "recover")
	require.Contains(t, a.must(pass, "list"), "logged out")
	require.Contains(t, b.must("", "events"), "  claim opened: with a recovery file  ")

	// The next claim is a thief's, and the owner cancels it.
	c := w.device()
	c.must("", "recover", "-file", path, "alice")
	id = find(t, `(?m)^([0-9a-f]{8})  .*  waits until \d`, b.must("", "claims"))
	b.fails("the password is wrong", "wrong password\n", "claims", "-cancel", id)
	require.Contains(t, b.must("another horse\n", "claims", "-cancel", id), "The claim is cancelled.")
	b.fails("the claim is over: cancelled", "", "claims", "-cancel", id)
	b.fails("The state of this one is: cancelled", "", "claims", "-delay", id)
	c.fails("has cancelled the claim", "", "recover")
	c.fails("nothing was forgotten", "no\n", "recover", "-drop")
	require.Contains(t, c.must("yes\n", "recover", "-drop"), "has forgotten the claim")
	out = c.must("", "recover", "-file", path, "alice")
	require.Contains(t, out, "state:    the operator decides by ")
	require.Contains(t, strings.Join(strings.Fields(out), " "), "For 30 days after that, files and contacts open nothing")

	// A wrong name waits, too.
	e := w.device()
	require.Contains(t, e.must("", "recover", "-file", path, "nobody"), "state:    it waits until ")
	w.seconds.Add(day + 60)
	e.fails("the name or the file is wrong", "", "recover")
}

// TestReview: the operator allows a new account under the old names. The old
// password still opens the old account.
func TestReview(t *testing.T) {
	w := newWorld(t, server.Config{})
	a, b := w.device(), w.device()
	a.must(pass, "signup", "alice")
	a.must(pass, "add", "-title", "Note", "-text", "kept")
	reviews, err := server.OpenReviews(t.Context(), w.config.DB, w.config.Keys, 0, w.now)
	require.NoError(t, err)

	b.fails("the operator has to know who asks", "", "recover", "-review", "alice")
	out := b.must("I am Alice.\nCall me.", "recover", "-review", "alice")
	require.Contains(t, out, "claim:    by a review of the operator\nstate:    the operator decides by ")
	waiting, err := reviews.List(t.Context())
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.Equal(t, "I am Alice. Call me.", waiting[0].Text)
	require.NoError(t, reviews.Refuse(t.Context(), waiting[0].ID, "Nobody answers that number."))
	b.fails("for this reason: Nobody answers that number.", "", "recover")
	b.must("yes\n", "recover", "-drop")

	b.must("I am Alice, and was on holiday.", "recover", "-review", "alice")
	waiting, err = reviews.List(t.Context())
	require.NoError(t, err)
	require.NoError(t, reviews.Approve(t.Context(), waiting[0].ID, "We have talked."))
	out = b.must("", "recover")
	require.Contains(t, out, "state:    it waits until ")
	require.Contains(t, out, "reason of the operator:\n  We have talked.\n")
	require.Contains(t, out, "The operator allows a new account under the old names.")
	require.Contains(t, a.must(pass, "list"), "attention")
	require.Contains(t, a.must("", "claims"), ", makes a new account under your names")
	w.seconds.Add(day + 60)
	out = b.must("another horse\n", "recover")
	require.Contains(t, out, "logged in as alice\n")
	require.Contains(t, out, "\n  login -former 1 alice\n")
	require.Contains(t, b.must("another horse\n", "list"), "there are no items")
	require.Contains(t, b.must("", "account"), "before it:      1 account with the names")

	c := w.device()
	require.Contains(t, c.must(pass+"yes\n", "login", "-former", "1", "alice"), "logged in as alice (former account 1)\n")
	require.Contains(t, c.must(pass, "list"), "Note")
	c.must(pass, "login") // goes on with the former account
	a.fails("the name or the password is wrong", pass, "login", "alice")
}

// TestClaimTexts: every state of a claim is one that a person understands.
func TestClaimTexts(t *testing.T) {
	for _, way := range []api.Way{api.WayFile, api.WayContacts, api.WayDevice, api.WayPassword, api.WayReview} {
		require.Regexp(t, "^(with|to|by) ", claimWay(way))
		for _, state := range []api.ClaimState{api.ClaimCancelled, api.ClaimRefused, api.ClaimDone, api.ClaimFailed} {
			require.ErrorContains(t, claimOver(api.Claim{Way: way, State: state, Reason: "no"}), "To begin again, use recover -drop first")
		}
		for _, state := range []api.ClaimState{api.ClaimAsked, api.ClaimWaiting, api.ClaimReview, api.ClaimReady} {
			require.NoError(t, claimOver(api.Claim{Way: way, State: state}))
			require.NotEqual(t, string(state), claimState(api.Claim{Way: way, State: state}))
			require.Contains(t, nextStep(api.Claim{Way: way, State: state}), "recover")
		}
	}
	asks := []api.Asked{{}, {Grant: []byte{1}}, {Grant: []byte{2}}}
	for n, want := range []string{"no share was", "no share was", "1 share was", "2 shares were"} {
		require.True(t, strings.HasPrefix(claimState(api.Claim{State: api.ClaimAsked, Asks: asks[:n]}), want+" sent"))
	}
	states := map[api.ClaimState]string{
		api.ClaimReview: "operator decides", api.ClaimReady: "can be used now", api.ClaimDone: "used",
		api.ClaimCancelled: "cancelled", api.ClaimRefused: "refused", api.ClaimFailed: "failed",
	}
	for state, want := range states {
		require.Equal(t, want, ownClaimState(api.OwnClaim{State: state}))
	}
	require.Contains(t, attention(1), "1 claim of this account is open.")
	require.Contains(t, attention(2), "2 claims of this account are open.")
	require.Equal(t, "?", claimWay("\x1b"))
	require.Equal(t, "?", claimState(api.Claim{State: "\x1b"}))
}
