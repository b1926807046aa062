package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// snapshots runs f, and keeps what is on the disk in the middle of each write, locks
// and temporary files included: what a loss of power would leave. It returns where.
func snapshots(t *testing.T, f func()) []string {
	t.Helper()
	here, err := os.Getwd()
	require.NoError(t, err)
	keep := t.TempDir()
	var mu sync.Mutex
	var all []string
	atStep = func() error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, filepath.Join(keep, fmt.Sprint(len(all))))
		return copyFolder(all[len(all)-1], here)
	}
	defer func() { atStep = func() error { return nil } }()
	f()
	require.NotEmpty(t, all)
	return all
}

// copyFolder is os.CopyFS, for a folder from which files vanish.
func copyFolder(to, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := copyFolder(filepath.Join(to, e.Name()), filepath.Join(from, e.Name())); err != nil {
				return err
			}
		} else if data, err := os.ReadFile(filepath.Join(from, e.Name())); err == nil {
			if err := os.WriteFile(filepath.Join(to, e.Name()), data, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// wake moves to a snapshot, and does what the message about a lock says.
func wake(t *testing.T, snapshot string) {
	t.Helper()
	t.Chdir(snapshot)
	locks, err := filepath.Glob("*/lock")
	require.NoError(t, err)
	for _, path := range locks {
		require.NoError(t, os.Remove(path))
	}
}

// either runs command lines of which at least one works.
func either(t *testing.T, where string, tries ...func() (string, error)) {
	t.Helper()
	var outs []string
	for _, try := range tries {
		out, err := try()
		if err == nil {
			return
		}
		outs = append(outs, fmt.Sprint(out, err))
	}
	t.Fatalf("%s: nothing works:\n%s", where, strings.Join(outs, "\n---\n"))
}

// opens returns tries to read the note by a password, on the old device and then on
// a new one.
func opens(t *testing.T, passwords ...string) (tries []func() (string, error)) {
	for _, p := range passwords {
		tries = append(tries, func() (string, error) {
			if out, err := call(t, "note alice", p); err != nil {
				return out, err
			}
			out, err := call(t, "note alice -device fresh", p, "yes")
			if err == nil {
				require.Contains(t, out, "third pot")
			}
			return out, err
		})
	}
	return tries
}

func byPhrases(t *testing.T, password string, phrases ...string) (tries []func() (string, error)) {
	for i, p := range phrases {
		device := fmt.Sprintf("by-phrase-%d", i)
		tries = append(tries, func() (string, error) {
			if out, err := call(t, "recover alice -by phrase -device "+device, p, "yes", password, password); err != nil {
				return out, err
			}
			return call(t, "note alice -device "+device, password)
		})
	}
	return tries
}

func byFiles(t *testing.T, password string, files ...string) (tries []func() (string, error)) {
	for i, f := range files {
		line := fmt.Sprintf("recover alice -by file -file %s -device by-file-%d", f, i)
		tries = append(tries, func() (string, error) {
			reviewed(t, line)
			return call(t, line, "yes", password, password)
		})
	}
	return tries
}

// reviewed makes a claim by a command line, and lets it through.
func reviewed(t *testing.T, line string) {
	t.Helper()
	waits := refused2(t, "waits for a review", line)
	must(t, "review alice -clear -claim "+regexp.MustCompile(`claim ([0-9a-f]{8})`).FindStringSubmatch(waits)[1])
}

// TestCrashes stops each command in the middle of each of its writes: what is before
// it is there, the file itself only under its temporary name.
func TestCrashes(t *testing.T) {
	in(t)
	base, err := os.Getwd()
	require.NoError(t, err)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	phrase := phraseOf(t, must(t, "phrase alice", pw1, "yes"))
	must(t, "file alice -o alice.recovery", pw1)
	phone := start(t, "ask alice -device phone")
	must(t, "approve alice", pw1, "yes", phone.see(`alone:\n(\S+)\n`))
	require.NoError(t, phone.end())
	reviewed(t, "recover alice -by file -file alice.recovery -device lost")
	reviewed(t, "recover alice -by device -device phone")

	for name, c := range map[string]struct {
		line      string
		input     []string
		passwords []string
		newFile   string
	}{
		"note":              {"note alice third_pot", []string{pw1}, []string{pw1}, ""},
		"password":          {"password alice", []string{pw1, pw2, pw2}, []string{pw1, pw2}, ""},
		"phrase":            {"phrase alice", []string{pw1, "yes"}, []string{pw1}, ""},
		"file":              {"file alice -o new.recovery", []string{pw1}, []string{pw1}, "new.recovery"},
		"recover by phrase": {"recover alice -by phrase -device new", []string{phrase, "yes", pw2, pw2}, []string{pw1, pw2}, ""},
		"recover by file":   {"recover alice -by file -file alice.recovery -device lost", []string{"yes", pw2, pw2}, []string{pw1, pw2}, ""},
		"recover by device": {"recover alice -by device -device phone", []string{pw2, pw2}, []string{pw1, pw2}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			work := filepath.Join(t.TempDir(), "work")
			require.NoError(t, copyFolder(work, base))
			t.Chdir(work)
			phrases, files := []string{phrase}, []string{"alice.recovery"}
			all := snapshots(t, func() {
				out := must(t, c.line, c.input...)
				if name == "phrase" {
					phrases = append(phrases, phraseOf(t, out))
				}
			})
			if c.newFile != "" {
				files = append(files, c.newFile)
			}
			for i, s := range all {
				where := fmt.Sprintf("step %d of %d", i+1, len(all))
				wake(t, s)
				either(t, where, opens(t, c.passwords...)...)
				either(t, where, byPhrases(t, pw3, phrases...)...)
				either(t, where, byFiles(t, pw4, files...)...)
				either(t, where, opens(t, pw4)...)
				require.Contains(t, must(t, "note alice -device phone"), "third pot", where)
				reviewed(t, "recover alice -by device -device phone")
				must(t, "recover alice -by device -device phone", pw4, pw4)
				// And what was cut off can be done again.
				if name == "password" || name == "phrase" {
					in := append([]string{pw4}, c.input[1:]...)
					must(t, c.line, in...)
				}
			}
			t.Logf("%d steps", len(all))
		})
	}
}

func TestCrashOfSignUp(t *testing.T) {
	in(t)
	for i, s := range snapshots(t, func() { must(t, "sign-up alice", pw1, pw1) }) {
		wake(t, s)
		either(t, fmt.Sprint("step ", i+1),
			func() (string, error) { return call(t, "login alice", pw1) },
			func() (string, error) { return call(t, "sign-up alice", pw2, pw2) })
	}
}

func TestCrashOfApprovalAndRevocation(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	var slot string
	all := snapshots(t, func() {
		d := start(t, "ask alice -device phone")
		must(t, "approve alice", pw1, "yes", d.see(`alone:\n(\S+)\n`))
		slot = d.see(`approved, as ([0-9a-f]{32})`)
		require.NoError(t, d.end())
	})
	all = append(all, snapshots(t, func() { must(t, "revoke alice "+slot, pw1) })...)
	for i, s := range all {
		wake(t, s)
		either(t, fmt.Sprint("step ", i+1), opens(t, pw1)...)
	}
}

// TestCrashOfRecoveryByDevice: the claim lasts until the new password is there.
func TestCrashOfRecoveryByDevice(t *testing.T) {
	in(t)
	must(t, "sign-up alice", pw1, pw1)
	must(t, "note alice third_pot", pw1)
	d := start(t, "ask alice -device phone")
	must(t, "approve alice", pw1, "yes", d.see(`alone:\n(\S+)\n`))
	require.NoError(t, d.end())
	reviewed(t, "recover alice -by device -device phone")
	all := snapshots(t, func() { must(t, "recover alice -by device -device phone", pw2, pw2) })
	for i, s := range all {
		wake(t, s)
		where := fmt.Sprintf("step %d of %d", i+1, len(all))
		if _, err := call(t, "recover alice -by device -device phone", pw2, pw2); err != nil {
			require.ErrorContains(t, err, "waits for a review", where) // the crash was after the new password
		}
		require.Contains(t, must(t, "note alice -device phone"), "third pot", where)
		readsNote(t, "new", pw2)
	}
}

func TestCrashOfContacts(t *testing.T) {
	in(t)
	signUpAll(t)
	appointAll(t, "sister", "friend", "brother")
	all := snapshots(t, func() { appointAll(t, "friend", "brother") })
	for i, s := range all {
		wake(t, s)
		either(t, fmt.Sprint("step ", i+1), opens(t, pw1)...)
		// Of the old contacts and of the new ones.
		reviewed(t, "recover alice -by contacts -device new")
		require.NoError(t, byContacts(t, "friend", "brother"))
		readsNote(t, "newer", pw2)
	}
}

// appointAll appoints contacts, who keep their shares while the command waits.
func appointAll(t *testing.T, names ...string) {
	t.Helper()
	d := start(t, "contacts alice "+strings.Join(names, " "))
	d.see("Password")
	d.say(pw1)
	for range names {
		d.see("by voice or in person")
		d.say("yes")
	}
	shown := d.see("of their shares is .*\\.")
	keepAll(t, shown, names...)
	d.say("yes")
	require.NoError(t, d.end())
}

// byContacts recovers the account on the device "new", of which a claim was let
// through. Of these contacts as many are asked as there are shares missing.
func byContacts(t *testing.T, names ...string) error {
	t.Helper()
	d := start(t, "recover alice -by contacts -device new")
	for {
		switch d.see("Whom|" + pin + "|New password") {
		case "Whom":
			name := names[0]
			names = names[1:]
			d.say(name)
			id := d.see("Request ([a-z2-7]+) waits") // one that was cut off may wait too
			must(t, "release alice -as "+name+" -id "+id+" -device at-"+name, name+"-pw", "yes", d.see(`alone:\n(\S+)\n`))
		case pin:
			d.say("yes")
		default:
			d.say(pw2)
			d.say(pw2)
			return d.end()
		}
	}
}

// TestCrashOfRecoveryByContacts: the shares that came are kept, and what is missing
// can be asked for again.
func TestCrashOfRecoveryByContacts(t *testing.T) {
	in(t)
	signUpAll(t)
	appointAll(t, "sister", "friend", "brother")
	reviewed(t, "recover alice -by contacts -device new")
	all := snapshots(t, func() { require.NoError(t, byContacts(t, "sister", "brother")) })
	for i, s := range all {
		wake(t, s)
		where := fmt.Sprintf("step %d of %d", i+1, len(all))
		out, err := call(t, "note alice -device newer", pw2, "yes")
		if err == nil {
			require.Contains(t, out, "third pot", where)
			continue // the crash was after the new password
		}
		require.NoError(t, byContacts(t, "brother", "sister"), where)
		readsNote(t, "newest", pw2)
	}
	t.Logf("%d steps", len(all))
}
