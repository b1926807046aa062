package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if os.Getenv("NESCIO_TEST_AS_PROGRAM") != "" { // see pty_linux_test.go
		main()
	}
	cheap, err := kdf.NewArgon2id(64, 1, 1) // there are thousands of logins here
	if err != nil {
		panic(err)
	}
	newKSF, policy = func() kdf.Params { return cheap }, kdf.FixedPolicy(cheap)
	poll = 5 * time.Millisecond
	lockWait = 2 * time.Second
	os.Exit(m.Run())
}

// in moves to a new empty directory.
func in(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
}

// call runs a command line, with lines of input.
func call(t testing.TB, line string, input ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	in := strings.Join(input, "\n")
	if len(input) > 0 {
		in += "\n"
	}
	err := run(t.Context(), words(line), &terminal{in: bufio.NewReader(strings.NewReader(in)), out: &out})
	return out.String(), err
}

// words splits a command line; _ stands for a space.
func words(line string) []string {
	args := strings.Fields(line)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "_", " ")
	}
	return args
}

func must(t testing.TB, line string, input ...string) string {
	t.Helper()
	out, err := call(t, line, input...)
	require.NoError(t, err, out)
	return out
}

func refused(t testing.TB, why, line string, input ...string) string {
	t.Helper()
	out, err := call(t, line, input...)
	require.ErrorContains(t, err, why, out)
	return out
}

// dialog is a command that runs beside others, and is answered as it asks.
type dialog struct {
	t     testing.TB
	in    io.WriteCloser
	mu    sync.Mutex
	out   bytes.Buffer // not yet seen
	shown bytes.Buffer // all of it
	done  chan error
	stop  func() // as a signal does
}

func (d *dialog) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown.Write(b)
	return d.out.Write(b)
}

func start(t testing.TB, line string) *dialog {
	t.Helper()
	r, w := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	d := &dialog{t: t, in: w, done: make(chan error, 1), stop: stop}
	t.Cleanup(func() { stop(); r.Close() })
	go func() { d.done <- run(ctx, words(line), &terminal{in: bufio.NewReader(r), out: d}) }()
	return d
}

// see waits for output that matches, and returns the first group.
func (d *dialog) see(pattern string) string {
	d.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		d.mu.Lock()
		m := re.FindStringSubmatch(d.out.String())
		if m != nil {
			rest := d.out.String()[re.FindStringIndex(d.out.String())[1]:]
			d.out.Reset()
			d.out.WriteString(rest)
		}
		d.mu.Unlock()
		if m != nil {
			return m[len(m)-1]
		}
	}
	select {
	case err := <-d.done:
		d.t.Fatalf("ended with %v before %q: %q", err, pattern, d.shown.String())
	default:
	}
	d.t.Fatalf("no %q in %q", pattern, d.out.String())
	return ""
}

func (d *dialog) say(line string) {
	_, err := io.WriteString(d.in, line+"\n")
	require.NoError(d.t, err)
}

func (d *dialog) end() error { return <-d.done }

const pin = "has never seen"

const (
	pw1 = "correct horse battery"
	pw2 = "staple of the second kind"
	pw3 = "third time is the charm"
	pw4 = "four legs good"
)

func phraseOf(t testing.TB, out string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+){11})$`).FindStringSubmatch(out)
	require.NotNil(t, m, out)
	return m[1]
}

// readsNote opens on a device that has never been in.
func readsNote(t testing.TB, device, password string) {
	t.Helper()
	require.Contains(t, must(t, "note alice -device "+device, password, "yes"), "The note: third pot")
}

func signUpAll(t testing.TB) {
	t.Helper()
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	for _, name := range []string{"sister", "friend", "brother"} {
		must(t, "sign-up "+name+" -device at-"+name, name+"-pw", name+"-pw")
	}
}

// keepAll has contacts compare what the owner was shown, and keep their shares.
func keepAll(t testing.TB, appointed string, names ...string) {
	t.Helper()
	m := regexp.MustCompile(`of their shares is ([0-9A-Z-]{39})\.`).FindStringSubmatch(appointed)
	require.NotNil(t, m, appointed)
	for _, name := range names {
		require.Contains(t, must(t, "keep alice -as "+name+" -device at-"+name, name+"-pw", "yes"), m[1])
	}
}

func TestUsage(t *testing.T) {
	in(t)
	require.Contains(t, must(t, "help"), "sign-up   make an account")
	refused(t, "no server in elsewhere", "login alice -server elsewhere", pw1)
	must(t, "sign-up bob", pw1, pw1)
	for _, c := range commands {
		out, err := call(t, c.name+" -h")
		require.ErrorIs(t, err, flag.ErrHelp)
		require.True(t, strings.HasPrefix(out, "usage: recovery "+c.name+" "), out)
		var usage usageError
		_, err = call(t, c.name+" -nonsense")
		require.ErrorAs(t, err, &usage)
		_, err = call(t, c.name+strings.Repeat(" a", c.most+1))
		require.ErrorAs(t, err, &usage)
		require.Contains(t, usage.reason, "call it as recovery "+c.name)
	}
	out, _ := call(t, "inspect -h")
	require.Contains(t, out, "usage: recovery inspect \n\nSays in words")
	for _, line := range []string{"", "nothing", "file alice", "release alice", "keep alice", "recover alice", "recover alice -by file", "contacts alice a a", "contacts alice alice b", "contacts alice -k 3 a b", "review alice -claim x", "review alice -drop", "sign-up ../alice", "release ../alice -as sister"} {
		_, err := call(t, line)
		require.ErrorAs(t, err, new(usageError), line)
	}
	refused(t, "small letters", "contacts alice ../sister b")

	var errOut bytes.Buffer
	require.Equal(t, 1, status(errors.New("recovery: no"), &errOut))
	require.Equal(t, "recovery: no\n", errOut.String())
	errOut.Reset()
	require.Equal(t, 2, status(usageError{"note", "no"}, &errOut))
	require.Equal(t, "recovery: note: no\nrecovery note -h says how to call it.\n", errOut.String())
	errOut.Reset()
	require.Equal(t, 2, status(usageError{reason: "no"}, &errOut))
	require.Contains(t, errOut.String(), "\nrecovery -h says")
	require.Equal(t, 0, status(flag.ErrHelp, io.Discard))
}

// TestStory drives every command.
func TestStory(t *testing.T) {
	in(t)
	signUpAll(t)
	refused(t, "is taken", "sign-up alice", pw1, pw1)
	refused(t, "differ", "sign-up bob", pw1, pw2)
	refused(t, errLogin.Error(), "note alice", "wrong")
	refused(t, errLogin.Error(), "note nobody", "wrong")
	refused(t, "was not yes", "note alice -device elsewhere", pw1, "no")

	// A second device by QR code, a third by short code.
	phone := start(t, "ask alice -device phone")
	id := phone.see("run: approve alice -id ([a-z2-7]{8})\n")
	qr := phone.see(`alone:\n(\S+)\n`)
	refused(t, "was not yes", "approve alice", pw1, "no")
	refused(t, "does not belong", "approve alice", pw1, "yes", qr[:20]+qr[21:]+"A")
	for _, text := range []string{"", qr[1:], qr[:50], "'" + qr + "'", "yes"} {
		refused(t, "not the whole text", "approve alice", pw1, "yes", text)
	}
	must(t, "approve alice -id "+id, pw1, "yes", " \t"+qr+" ")
	slot := phone.see(`approved, as ([0-9a-f]{32})`)
	require.NoError(t, phone.end())
	require.Contains(t, must(t, "note alice -device phone"), "third pot") // without a password
	require.Contains(t, must(t, "login alice -device phone", pw1), "device    "+slot+"  (this device)")

	tablet := start(t, "ask alice -code -device tablet")
	tablet.see("Request .* waits")
	approver := start(t, "approve alice -device phone")
	approver.see("Compare a short code")
	approver.say("yes")
	require.Equal(t, tablet.see(`code is (\S+)\.\n`), approver.see(`code is (\S+)\.\n`))
	tablet.say("yes")
	approver.say("yes")
	require.NoError(t, approver.end())
	tabletSlot := tablet.see(`approved, as ([0-9a-f]{32})`)
	require.NoError(t, tablet.end())

	// A code that differs ends both.
	stranger := start(t, "ask alice -code -device stranger")
	stranger.see("Request .* waits")
	approver = start(t, "approve alice -device phone")
	approver.see("Compare")
	approver.say("yes")
	approver.see("show the same code")
	approver.say("no")
	require.ErrorContains(t, approver.end(), "was not yes")
	stranger.see("show the same code")
	stranger.say("yes")
	require.ErrorContains(t, stranger.end(), "has ended the request")

	must(t, "revoke alice "+tabletSlot, pw1)
	refused(t, "not approved any more", "note alice -device tablet")
	require.Contains(t, must(t, "login alice -device tablet", pw1), "alice is in")
	require.Contains(t, must(t, "note alice -device tablet", pw1), "third pot")
	refused(t, "no way in", "revoke alice "+tabletSlot, pw1)
	refused(t, "was not yes: the words on the screen do not work, and those of before still do", "phrase alice", pw1, "no")

	// The password changes, on a device whose pin is older than that of others.
	must(t, "password alice", pw1, pw2, pw2)
	refused(t, errLogin.Error(), "note alice", pw1)
	must(t, "login alice", pw2)

	phrase := phraseOf(t, must(t, "phrase alice", pw2, "yes"))
	must(t, "file alice -o alice.recovery", pw2)
	refused(t, "exists", "file alice -o alice.recovery", pw2)

	// Contacts, 2 of 3, whose fingerprints they themselves show.
	refused(t, "no share of alice to keep", "keep alice -as sister -device at-sister", "sister-pw")
	d := start(t, "contacts alice -k 2 sister friend brother")
	d.say(pw2)
	for _, name := range []string{"sister", "friend", "brother"} {
		own := must(t, "login "+name+" -device at-"+name, name+"-pw")
		print := regexp.MustCompile(`contact is ([0-9A-Z-]{39})\.`).FindStringSubmatch(own)[1]
		d.see("The key of " + name + " is " + print)
		d.say("yes")
	}
	out := d.see("of their shares is .*\\.")
	keepAll(t, out, "friend")
	d.say("yes")
	d.see("not run keep yet: sister, brother\\.")
	refused(t, "you said no", "keep alice -as sister -device at-sister", "sister-pw", "no")
	keepAll(t, out, "sister")
	require.Contains(t, must(t, "keep alice -as brother -device at-brother", "brother-pw", "yes"), "3 of 3, of which 2")
	refused(t, "kept already", "keep alice -as sister -device at-sister", "sister-pw")
	d.say("yes")
	d.see("2 of these 3 contacts")
	require.NoError(t, d.end())
	refused(t, "was not yes", "contacts alice sister friend", pw2, "no")
	refused(t, "sign up first", "contacts alice sister nobody", pw2, "yes")

	// Everything is lost. By phrase:
	require.NoError(t, os.RemoveAll("nescio-device"))
	refused(t, "do not belong together: one is wrong, or two have changed places", "recover alice -by phrase", misspelt(phrase))
	refused(t, "12 or 24", "recover alice -by phrase", "abandon")
	require.Contains(t, must(t, "recover alice -by phrase", phrase, "yes", pw3, pw3), "The phrase still works")
	readsNote(t, "new-1", pw3)
	refused(t, errLogin.Error(), "login alice", pw2)

	// By file, after a review:
	waits := refused2(t, "waits for a review", "recover alice -by file -file alice.recovery -device new-2")
	refused(t, "waits for a review", "recover alice -by file -file alice.recovery -device new-2")
	claim := regexp.MustCompile(`claim ([0-9a-f]{8})`).FindStringSubmatch(waits)[1]
	require.Contains(t, must(t, "review alice"), "claim "+claim)
	refused(t, "no claim", "review alice -clear -claim 0000")
	must(t, "review alice -clear -claim "+claim)
	refused(t, "waits for a review", "recover alice -by file -file alice.recovery -device thief")
	refused(t, "no recovery file", "recover alice -by file -file nescio-server/keys.json -device new-2")
	require.Contains(t, must(t, "recover alice -by file -file alice.recovery -device new-2", "yes", pw4, pw4), "The file still works")
	readsNote(t, "new-3", pw4)
	require.Contains(t, must(t, "review alice"), "Nothing is counted")

	// By an approved device, which stays one:
	refused(t, "was not approved", "recover alice -by device -device new-3")
	reviewed(t, "recover alice -by device -device phone")
	require.Contains(t, must(t, "recover alice -by device -device phone", pw2, pw2), "still approved")
	readsNote(t, "new-3b", pw2)
	require.Contains(t, must(t, "note alice -device phone"), "third pot")
	require.Contains(t, must(t, "review alice"), "Nothing is counted")
	refused(t, errLogin.Error(), "login alice -device new-3", pw4)

	// By contacts, one by QR code, one by short code; in two runs:
	waits = refused2(t, "waits for a review", "recover alice -by contacts -device new-4")
	claim = regexp.MustCompile(`claim ([0-9a-f]{8})`).FindStringSubmatch(waits)[1]
	must(t, "review alice -clear -claim "+claim)
	d = start(t, "recover alice -by contacts -device new-4")
	d.see("0 of 2 .*: sister, friend, brother\n")
	d.say("stranger")
	d.see("none of them")
	d.say("sister")
	d.see("sister runs: release alice -as sister -id [a-z2-7]{8}\n")
	qr = d.see(`alone:\n(\S+)\n`)
	refused(t, "no such request", "release alice -as friend -device at-friend", "friend-pw")
	refused(t, "was not yes", "release alice -as sister -device at-sister", "sister-pw", "no")
	must(t, "release alice -as sister -device at-sister", "sister-pw", "yes", qr)
	d.see("1 of 2 shares")
	d.in.Close()
	require.ErrorContains(t, d.end(), "the input ended")
	d = start(t, "recover alice -by contacts -code -device new-4")
	d.see("1 of 2 shares .*: friend, brother\n")
	d.say("sister") // again
	d.see("sister's share is here already")
	d.say("friend") // whose code is another
	d.see("Request .* waits")
	contact := start(t, "release alice -as friend -device at-friend")
	contact.say("friend-pw")
	contact.say("yes")
	contact.say("yes")
	d.see("show the same code")
	contact.see("show the same code")
	d.say("no")
	d.see("That brought nothing")
	contact.say("yes")
	require.ErrorContains(t, contact.end(), "has ended the request")
	d.say("brother")
	contact = start(t, "release alice -as brother -device at-brother")
	compare(d, contact, "brother-pw")
	d.see(pin)
	d.say("yes")
	d.see("New password")
	d.say(pw1)
	d.say(pw1)
	d.see("The shares still work")
	require.NoError(t, d.end())
	readsNote(t, "new-5", pw1)

	inspected := must(t, "inspect")
	for _, word := range []string{"keyring header", "half of the recovery file", "token of device " + slot, "share that was compared", "None of it opens anything", "sister, friend, brother"} {
		require.Contains(t, inspected, word)
	}
	secretFree(t, pw1, phrase)
}

// misspelt is a phrase with another first word, of which the checksum tells: of every
// sixteen words one it does not.
func misspelt(phrase string) string {
	_, rest, _ := strings.Cut(phrase, " ")
	for _, word := range []string{"zoo", "wrong", "wool", "word"} {
		if _, err := recovery.ParsePhrase(word + " " + rest); err != nil {
			return word + " " + rest
		}
	}
	panic("one of 65536")
}

// refused2 is refused, and returns the error's text.
func refused2(t testing.TB, why, line string, input ...string) string {
	t.Helper()
	_, err := call(t, line, input...)
	require.ErrorContains(t, err, why)
	return err.Error()
}

func compare(d, contact *dialog, password string) {
	contact.see("Password")
	// The request may not be there yet: the contact runs release when asked.
	d.see("Request .* waits")
	contact.say(password)
	contact.see("recognised")
	contact.say("yes")
	contact.see("Compare")
	contact.say("yes")
	require.Equal(d.t, d.see(`code is (\S+)\.\n`), contact.see(`code is (\S+)\.\n`))
	d.say("yes")
	contact.say("yes")
	require.NoError(d.t, contact.end())
}

// secretFree searches all that the server has for what it must not know.
func secretFree(t testing.TB, password, words string) {
	t.Helper()
	phrase, err := recovery.ParsePhrase(words)
	require.NoError(t, err)
	auth, err := phrase.AuthSecret()
	require.NoError(t, err)
	secrets := map[string][]byte{
		"password 1": []byte(pw1), "password 2": []byte(pw2), "password 3": []byte(pw3), "password 4": []byte(pw4),
		"a contact's password": []byte("sister-pw"), "the note": []byte("third pot"),
		"words": []byte(words), "entropy": phrase.Entropy(), "phrase's login": auth,
	}
	var phone, collected state
	load(filepath.Join("phone", "alice.json"), &phone)
	load(filepath.Join("new-4", "alice.json"), &collected)
	require.NotEmpty(t, phone.Device)
	secrets["device's seed"] = phone.Device[len(phone.Device)-64 : len(phone.Device)-32]
	secrets["lineage key"] = phone.Device[len(phone.Device)-32:]
	secrets["device's token"] = phone.Token

	// The master keys, by what they wrap: the keys of data. A wrap.Key shows none, so
	// the export key, which opens all, stands for them.
	srv, err := openServer("nescio-server")
	require.NoError(t, err)
	c, err := newClient(&terminal{out: io.Discard, in: bufio.NewReader(strings.NewReader("yes\n"))}, srv, "looking", "alice")
	require.NoError(t, err)
	export, err := c.login(t.Context(), byPassword, []byte(password))
	require.NoError(t, err)
	secrets["export key"] = export

	text, err := os.ReadFile("alice.recovery")
	require.NoError(t, err)
	body := strings.Join(strings.Split(strings.TrimSpace(string(text)), "\n")[1:], "")
	raw, err := base64.StdEncoding.DecodeString(body[:strings.Index(body, "-----")])
	require.NoError(t, err)
	secrets["file's half"] = raw[17:49]

	files := 0
	require.NoError(t, filepath.WalkDir("nescio-server", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		var v any
		require.NoError(t, json.Unmarshal(data, &v), path)
		data = append(data, decoded(v)...)
		for what, secret := range secrets {
			for _, form := range [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(base64.StdEncoding.EncodeToString(secret))} {
				require.False(t, bytes.Contains(data, form), "%s has %s", path, what)
			}
		}
		return nil
	}))
	require.Greater(t, files, 4)
}

// decoded is all strings of a JSON value that are base64, decoded.
func decoded(v any) (all []byte) {
	switch v := v.(type) {
	case string:
		if b, err := base64.StdEncoding.DecodeString(v); err == nil {
			all = append(b, 0)
		}
	case []any:
		for _, e := range v {
			all = append(all, decoded(e)...)
		}
	case map[string]any:
		for _, e := range v {
			all = append(all, decoded(e)...)
		}
	}
	return all
}

func TestLimitsAndHolds(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	must(t, "file alice -o alice.recovery", pw1)
	for _, name := range []string{"alice", "nobody"} { // names that nobody has are counted alike
		for range maxFailures {
			refused(t, errLogin.Error(), "login "+name, "wrong")
		}
		refused(t, "failures in a row", "login "+name, pw1)
	}
	refused(t, "(review alice -clear)", "recover alice -by file -file alice.recovery -device new")
	require.Contains(t, must(t, "review alice"), "HOLD")
	must(t, "review alice -clear")
	must(t, "login alice", pw1)

	waits := refused2(t, "waits for a review", "recover alice -by file -file alice.recovery -device new")
	claim := regexp.MustCompile(`claim ([0-9a-f]{8})`).FindStringSubmatch(waits)[1]
	must(t, "review alice -clear -claim "+claim)
	for range maxFailures { // the half is given out, and nothing comes of it
		refused(t, "was not yes", "recover alice -by file -file alice.recovery -device new", "no")
	}
	refused(t, "HOLD", "recover alice -by file -file alice.recovery -device new", "yes", pw2, pw2)
	must(t, "review alice -clear")
	must(t, "recover alice -by file -file alice.recovery -device new", "yes", pw2, pw2)
	readsNote(t, "other", pw2)

	for i := range maxClaims {
		refused(t, "waits for a review", fmt.Sprintf("recover alice -by file -file alice.recovery -device thief-%d", i))
	}
	refused(t, "too many claims", "recover alice -by file -file alice.recovery -device thief")

	// The operator drops some, and whoever has the password ends them all.
	claim = regexp.MustCompile(`claim ([0-9a-f]{8})`).FindStringSubmatch(must(t, "review alice"))[1]
	must(t, "review alice -drop -claim "+claim)
	refused(t, "waits for a review", "recover alice -by file -file alice.recovery -device thief")
	must(t, "login alice", pw2)
	require.Contains(t, must(t, "review alice"), "Nothing is counted")
}

func TestSharesAreHeld(t *testing.T) {
	in(t)
	signUpAll(t)
	appointAll(t, "sister", "friend", "brother")
	waits := refused2(t, "waits for a review", "recover alice -by contacts -device new")
	must(t, "review alice -clear -claim "+regexp.MustCompile(`claim ([0-9a-f]{8})`).FindStringSubmatch(waits)[1])
	d := start(t, "recover alice -by contacts -device new")
	d.see("Whom")
	d.say("sister")
	qr := d.see(`alone:\n(\S+)\n`)
	for range maxFailures {
		refused(t, errLogin.Error(), "login alice", "wrong")
	}
	refused(t, "HOLD", "release alice -as sister -device at-sister", "sister-pw", "yes", qr)
	must(t, "review alice -clear")
	sister := loggedIn(t, "sister", "sister-pw")
	a, err := sister.srv.mine(sister.on)
	require.NoError(t, err)
	require.NoError(t, sister.srv.changeMine(sister.on, func(a *account) { a.Kept = nil }))
	refused(t, "keep puts one here", "release alice -as sister -device at-sister", "sister-pw", "yes", qr)
	require.NoError(t, sister.srv.changeMine(sister.on, func(now *account) { now.Kept = a.Kept }))
	refused(t, "does not belong", "release alice -as sister -device at-sister", "sister-pw", "yes", qr[:20]+qr[21:]+"A")
	must(t, "release alice -as sister -device at-sister", "sister-pw", "yes", qr)
	d.see("1 of 2")
	d.in.Close()
	require.Error(t, d.end())
}

// TestOldHeaderIsRefused is the server that goes back to a header of before.
func TestOldHeaderIsRefused(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	old, err := os.ReadFile("nescio-server/accounts/alice.json")
	require.NoError(t, err)
	phraseOf(t, must(t, "phrase alice", pw1, "yes"))
	require.NoError(t, os.WriteFile("nescio-server/accounts/alice.json", old, 0o600))
	refused(t, "old keyring", "login alice", pw1)
}

func TestStaleLock(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	require.NoError(t, os.WriteFile("nescio-server/lock", []byte("process 1, long ago"), 0o600))
	lockWait = 50 * time.Millisecond
	defer func() { lockWait = 2 * time.Second }()
	refused(t, "delete nescio-server"+string(filepath.Separator)+"lock", "login alice", pw1)
}

func TestFilesAreTheirOwners(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "file alice -o alice.recovery", pw1)
	require.NoError(t, filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), path)
		return nil
	}))
}

// TestStopped: who is stopped while waiting for somebody leaves no request behind.
func TestStopped(t *testing.T) {
	in(t)
	signUpAll(t)
	appointAll(t, "sister", "friend")
	nothingIsLeft := func() {
		t.Helper()
		requests, err := os.ReadDir("nescio-server/requests")
		require.NoError(t, err)
		require.Empty(t, requests)
		locks, err := filepath.Glob("*/lock")
		require.NoError(t, err)
		require.Empty(t, locks)
	}

	d := start(t, "ask alice -device phone") // at a wait
	d.see("alone:")
	d.stop()
	require.ErrorIs(t, d.end(), context.Canceled)
	nothingIsLeft()

	d = start(t, "ask alice -code -device phone") // at a question
	d.see("Request .* waits")
	approver := start(t, "approve alice")
	approver.say(pw1)
	approver.say("yes")
	d.see("show the same code")
	approver.see("show the same code")
	d.stop()
	require.ErrorIs(t, d.end(), context.Canceled)
	approver.stop()
	require.ErrorIs(t, approver.end(), context.Canceled)
	nothingIsLeft()

	reviewed(t, "recover alice -by contacts -device new")
	d = start(t, "recover alice -by contacts -device new")
	d.say("sister")
	d.see("alone:")
	d.stop()
	require.ErrorIs(t, d.end(), context.Canceled)
	nothingIsLeft()

	var errOut bytes.Buffer
	require.Equal(t, 1, status(context.Canceled, &errOut))
	require.Equal(t, "\nrecovery: stopped\n", errOut.String())
}

// TestLooking makes nothing on the device.
func TestLooking(t *testing.T) {
	in(t)
	must(t, "sign-up alice -device laptop", pw1, pw1)
	must(t, "inspect")
	must(t, "review alice")
	refused(t, "wrong password", "login alice", "wrong")
	require.NoDirExists(t, "nescio-device")
	for _, c := range commands {
		out, _ := call(t, c.name+" -h")
		require.Equal(t, c.name != "inspect" && c.name != "review", strings.Contains(out, "-device folder"), c.name)
	}
}

func TestHiddenInput(t *testing.T) {
	in(t)
	var out bytes.Buffer
	asked := 0
	term := &terminal{in: bufio.NewReader(strings.NewReader("")), out: &out, hidden: func() ([]byte, error) {
		asked++
		return []byte(pw1), nil
	}}
	require.NoError(t, run(t.Context(), words("sign-up alice"), term))
	require.Equal(t, 2, asked)
	require.NotContains(t, out.String(), pw1)
	plain, restore := newTerminal() // of the test: none
	restore()
	require.NotNil(t, plain.in)
}
