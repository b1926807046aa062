package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

var stale = statusError{409, "The keyring has changed"}

// ringState is Alice's account with a keyring, on both sides.
type ringState struct {
	account, phrase account
	opaque          *opaque.Server
	pins            [][]byte // of the laptop
	words, file     string
}

// keep is what she does with new ways in.
func (r *ringState) keep(phrase *recovery.Phrase, file *recovery.File) error {
	r.words, r.file = phrase.Words(), file.Text()
	return nil
}

// beforeMove is the account as sign-up leaves it, made once for all tests, and
// afterMove the same after its two logins.
var (
	beforeMove = sync.OnceValues(func() (*ringState, error) {
		return makeRing(&ringState{}, func(ctx context.Context, c *client, r *ringState) error {
			k, err := c.signUpWithKeyring(ctx, workName, weakPassword, r.keep)
			if err != nil {
				return err
			}
			n, err := ringVault{k}.write(ctx, planName, planText)
			if err != nil {
				return err
			}
			return c.call(ctx, "PUT", "/notes", notes{planName: n}, nil)
		})
	})
	afterMove = sync.OnceValues(func() (*ringState, error) {
		r, err := beforeMove()
		if err != nil {
			return nil, err
		}
		return makeRing(r, func(ctx context.Context, c *client, _ *ringState) error {
			for range 2 {
				if _, _, err := c.enterKeyring(ctx, workName, weakPassword); err != nil {
					return err
				}
			}
			return nil
		})
	})
)

func makeRing(from *ringState, f func(context.Context, *client, *ringState) error) (*ringState, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, c, err := from.world(ctx)
	if err != nil {
		return nil, err
	}
	r := *from
	if err := f(ctx, c, &r); err != nil {
		return nil, err
	}
	r.account, r.phrase = s.stored(workName), s.stored(workName+phraseSuffix)
	r.opaque, r.pins = s.opaque, c.pins
	return &r, nil
}

// world is a server that has the account, and Alice's laptop.
func (r *ringState) world(ctx context.Context) (*server, *client, error) {
	s, err := newServer()
	if err != nil {
		return nil, nil, err
	}
	if r.opaque != nil {
		s.opaque = r.opaque
	}
	if r.account.keyring != nil {
		a, p := r.account, r.phrase
		a.records, a.notes, a.files = maps.Clone(a.records), maps.Clone(a.notes), maps.Clone(a.files)
		p.records = maps.Clone(p.records)
		s.accounts[workName], s.accounts[workName+phraseSuffix] = &a, &p
	}
	base, err := s.listen(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := newClient(base)
	if err != nil {
		return nil, nil, err
	}
	c.pins = r.pins
	return s, c, nil
}

func newRingWorld(t *testing.T, from func() (*ringState, error)) (*ringState, *server, *client) {
	r, err := from()
	require.NoError(t, err)
	s, c, err := r.world(t.Context())
	require.NoError(t, err)
	kept := *r
	return &kept, s, c
}

// newRingDevice is a client whose user agrees to what it finds.
func newRingDevice(t *testing.T, base string) *client {
	c := newDevice(t, base)
	c.firstUse = true
	return c
}

// requirePlan reads the note in a session.
func requirePlan(t *testing.T, s *server, k *recovery.Keyring) {
	t.Helper()
	got, err := ringVault{k}.read(t.Context(), planName, s.stored(workName).notes[planName])
	require.NoError(t, err)
	require.Equal(t, planText, got)
}

// requireEnter logs in and opens the keyring.
func requireEnter(t *testing.T, s *server, c *client, password []byte) *recovery.Keyring {
	t.Helper()
	k, _, err := c.enterKeyring(t.Context(), workName, password)
	require.NoError(t, err)
	requirePlan(t, s, k)
	return k
}

// requirePhrase opens it on a new device.
func requirePhrase(t *testing.T, s *server, base, words string) *client {
	t.Helper()
	c := newRingDevice(t, base)
	k, err := c.recoverByPhrase(t.Context(), workName, words)
	require.NoError(t, err)
	requirePlan(t, s, k)
	return c
}

// dying is a base that drops the answer to the last of n requests that change
// something, which the server has got, and all that follow.
func dying(t *testing.T, base string, requests ...string) string {
	n := 0
	return between(t, base, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if n == len(requests) {
			panic(http.ErrAbortHandler)
		}
		name := r.Method + " " + r.URL.Path
		if name == requests[n] {
			n++
		}
		if n == len(requests) {
			pass.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		pass.ServeHTTP(w, r)
	})
}

// TestCrashInAMove loses the laptop after each request of the two logins that
// changes what the server has.
func TestCrashInAMove(t *testing.T) {
	const header, record, login = "PUT /keyring", "PUT /settings/opaque", "POST /login/finish"
	crashes := []struct {
		requests []string
		next     protocol
	}{
		{[]string{header}, bySRP},
		{[]string{header, record}, byOPAQUE},
		{[]string{header, record, login}, byOPAQUE},
		{[]string{header, record, login, header}, byOPAQUE},
	}
	for i, crash := range crashes {
		if testing.Short() && i != 1 {
			continue
		}
		t.Run(fmt.Sprint(len(crash.requests), " ", crash.requests[i]), func(t *testing.T) {
			t.Parallel()
			r, s, laptop := newRingWorld(t, beforeMove)
			base := laptop.base
			laptop.base = dying(t, base, crash.requests...)
			_, _, err := laptop.enterKeyring(t.Context(), workName, weakPassword)
			if err == nil {
				_, _, err = laptop.enterKeyring(t.Context(), workName, weakPassword)
			}
			require.Error(t, err)

			requirePhrase(t, s, base, r.words)
			fresh := newRingDevice(t, base)
			_, by, err := fresh.enterKeyring(t.Context(), workName, weakPassword)
			require.NoError(t, err)
			require.Equal(t, crash.next, by)
			laptop.base = base
			k := requireEnter(t, s, laptop, weakPassword)
			require.Len(t, laptop.pins, 1)
			require.Equal(t, "OPAQUE, file, phrase", ways(k.Header()))
			require.True(t, new(s.stored(workName)).moved())
		})
	}
}

// TestCrashInAPasswordChange loses the phone, which came in by the phrase, after
// each request that changes what the server has.
func TestCrashInAPasswordChange(t *testing.T) {
	const header, record, login = "PUT /keyring", "PUT /password", "POST /login/finish"
	crashes := [][]string{
		{header},
		{header, record},
		{header, record, login, header},
	}
	for i, crash := range crashes {
		if testing.Short() && i != 1 {
			continue
		}
		t.Run(fmt.Sprint(len(crash), " ", crash[len(crash)-1]), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			r, s, laptop := newRingWorld(t, afterMove)
			base := laptop.base
			phone := newRingDevice(t, base)
			change := func() error {
				k, err := phone.recoverByPhrase(ctx, workName, r.words)
				if err != nil {
					return err
				}
				if err := phone.setPassword(ctx, k, workPassword); err != nil {
					return err
				}
				_, _, err = phone.enterKeyring(ctx, workName, workPassword)
				return err
			}
			phone.base = dying(t, base, append([]string{login}, crash...)...)
			require.Error(t, change())

			valid, other := weakPassword, workPassword
			if i > 0 {
				valid, other = other, valid
			}
			requirePhrase(t, s, base, r.words)
			k := requireEnter(t, s, newRingDevice(t, base), valid)
			require.Equal(t, "OPAQUE, file, phrase", ways(k.Header()))
			_, _, err := laptop.enterKeyring(ctx, workName, other)
			require.Equal(t, opaque.ErrAuthentication, err)
			requireEnter(t, s, laptop, valid)
			phone.base = base
			require.NoError(t, change(), "it begins again")
			requireEnter(t, s, laptop, workPassword)
		})
	}
}

// TestCrashWithNewWays loses the laptop on the way to a new phrase and a new file.
// The old or the new ones work, and so does the password.
func TestCrashWithNewWays(t *testing.T) {
	if testing.Short() {
		t.Skip("bcrypt is slow under the race detector")
	}
	const header, record = "PUT /keyring", "PUT /recovery"
	crashes := [][]string{{header}, {header, record}, {header, record, header}}
	for i, crash := range crashes {
		t.Run(fmt.Sprint(len(crash), " ", crash[len(crash)-1]), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			old, s, laptop := newRingWorld(t, afterMove)
			made := *old
			base := laptop.base
			k := requireEnter(t, s, laptop, weakPassword)
			finder := requirePhrase(t, s, base, old.words)
			laptop.base = dying(t, base, crash...)
			_, err := laptop.newWays(ctx, k, made.keep)
			require.Error(t, err)
			laptop.base = base

			valid, other := *old, made
			if i > 0 {
				require.NotEqual(t, old.words, made.words)
				valid, other = other, valid
				_, err := newRingDevice(t, base).recoverByPhrase(ctx, workName, other.words)
				require.Equal(t, refused, err)
				_, err = finder.fetchKeyring(ctx)
				require.Equal(t, loginFirst, err, "what the old phrase began is over")
			}
			c := requirePhrase(t, s, base, valid.words)
			k, err = c.recoverByFile(ctx, valid.file)
			require.NoError(t, err)
			requirePlan(t, s, k)
			if i == 2 {
				_, err := c.recoverByFile(ctx, other.file)
				require.Equal(t, statusError{404, "No such file"}, err)
			}
			k = requireEnter(t, s, laptop, weakPassword)
			_, err = laptop.newWays(ctx, k, made.keep)
			require.NoError(t, err)
			requirePhrase(t, s, base, made.words)
			require.Len(t, s.stored(workName).files, 1)
			require.Equal(t, "OPAQUE, file, phrase", ways(requireEnter(t, s, laptop, weakPassword).Header()))
		})
	}
}

// TestNewWaysThatNobodyKept: until the user has them the old ones stay.
func TestNewWaysThatNobodyKept(t *testing.T) {
	if testing.Short() {
		t.Skip("as above")
	}
	r, s, laptop := newRingWorld(t, afterMove)
	k := requireEnter(t, s, laptop, weakPassword)
	full := errors.New("the disk is full")
	_, err := laptop.newWays(t.Context(), k, func(*recovery.Phrase, *recovery.File) error { return full })
	require.Equal(t, full, err)
	c := requirePhrase(t, s, laptop.base, r.words)
	_, err = c.recoverByFile(t.Context(), r.file)
	require.NoError(t, err)
}

// TestTwoDevicesChangeTheKeyringAtOnce: the second is told so, opens what the first
// one made, and makes its change again.
func TestTwoDevicesChangeTheKeyringAtOnce(t *testing.T) {
	ctx := t.Context()
	r, s, laptop := newRingWorld(t, afterMove)
	base := laptop.base
	phone := newRingDevice(t, base)
	mine, his := requireEnter(t, s, laptop, weakPassword), requireEnter(t, s, phone, weakPassword)
	rotate := func(k *recovery.Keyring) error { return k.Rotate(ctx) }
	mine, err := laptop.changeKeyring(ctx, mine, rotate)
	require.NoError(t, err)

	require.NoError(t, rotate(his))
	pins := phone.pins
	require.Equal(t, stale, phone.uploadKeyring(ctx, his))
	require.Equal(t, pins, phone.pins, "the pin of what was not taken is gone")
	require.Equal(t, mine.Bytes(), s.stored(workName).keyring)

	// A file is for one slot: the second try has another.
	tries := 0
	phone.base = between(t, base, func(w http.ResponseWriter, q *http.Request, pass http.Handler) {
		if q.Method == "PUT" && q.URL.Path == "/keyring" {
			if tries++; tries == 1 {
				_, err := laptop.changeKeyring(ctx, mine, rotate)
				require.NoError(t, err)
			}
		}
		pass.ServeHTTP(w, q)
	})
	his, err = phone.openKeyring(ctx)
	require.NoError(t, err)
	his, err = phone.newWays(ctx, his, r.keep)
	require.NoError(t, err)
	require.Equal(t, 3, tries)
	require.EqualValues(t, 5, his.Epoch(), "the move, the laptop's two, and the old ways")
	_, err = requirePhrase(t, s, base, r.words).recoverByFile(ctx, r.file)
	require.NoError(t, err)

	phone.base = between(t, base, func(w http.ResponseWriter, q *http.Request, pass http.Handler) {
		if q.Method == "PUT" {
			reply(w, http.StatusConflict, errorResponse{"The keyring has changed"})
			return
		}
		pass.ServeHTTP(w, q)
	})
	_, err = phone.changeKeyring(ctx, his, rotate)
	require.Equal(t, errBusy, err)
}

// TestPinsAcrossACrash loses the network before the server has got an upload, and
// after. Both pins are on the disk then, and either will do.
func TestPinsAcrossACrash(t *testing.T) {
	ctx := t.Context()
	for _, arrives := range []bool{false, true} {
		_, s, laptop := newRingWorld(t, afterMove)
		base := laptop.base
		k := requireEnter(t, s, laptop, weakPassword)
		before, pins := k.Bytes(), laptop.pins
		laptop.base = between(t, base, func(_ http.ResponseWriter, q *http.Request, pass http.Handler) {
			if arrives {
				pass.ServeHTTP(httptest.NewRecorder(), q)
			}
			panic(http.ErrAbortHandler)
		})
		require.NoError(t, k.Rotate(ctx))
		require.Error(t, laptop.uploadKeyring(ctx, k))
		pin, err := encodePin(k)
		require.NoError(t, err)
		require.Equal(t, [][]byte{pin, pins[0]}, laptop.pins)
		require.Equal(t, arrives, !bytes.Equal(before, s.stored(workName).keyring))

		laptop.base = base
		k, err = laptop.openKeyring(ctx)
		require.NoError(t, err)
		requirePlan(t, s, k)
		if arrives {
			require.Equal(t, [][]byte{pin}, laptop.pins)
		} else {
			require.Equal(t, pins, laptop.pins)
		}
	}
}

// TestRollback hands out all headers that the account has had.
func TestRollback(t *testing.T) {
	ctx := t.Context()
	r, s, laptop := newRingWorld(t, afterMove)
	first, err := beforeMove()
	require.NoError(t, err)
	k := requireEnter(t, s, laptop, weakPassword)
	headers := [][]byte{first.account.keyring, k.Bytes()}
	for range 2 {
		k, err = laptop.changeKeyring(ctx, k, func(k *recovery.Keyring) error { return k.Rotate(ctx) })
		require.NoError(t, err)
		headers = append(headers, k.Bytes())
	}
	last := len(headers) - 1
	pins := laptop.pins
	for _, h := range headers[:last] {
		s.replay(workName, h)
		_, err := laptop.openKeyring(ctx)
		require.Equal(t, recovery.ErrRollback, err)
		require.Equal(t, pins, laptop.pins)
		_, _, err = laptop.enterKeyring(ctx, workName, weakPassword)
		require.Equal(t, recovery.ErrRollback, err)
	}
	// A device on its first use cannot see it, and so asks.
	s.replay(workName, headers[1])
	fresh := newDevice(t, laptop.base)
	_, err = fresh.recoverByPhrase(ctx, workName, r.words)
	require.Equal(t, errFirstUse, err)
	requirePhrase(t, s, laptop.base, r.words)

	s.replay(workName, headers[last])
	_, err = laptop.openKeyring(ctx)
	require.NoError(t, err)
}

// TestNoteOfAnotherEpoch: what the server says of a note's master key is not
// believed.
func TestNoteOfAnotherEpoch(t *testing.T) {
	ctx := t.Context()
	_, s, laptop := newRingWorld(t, afterMove)
	k := requireEnter(t, s, laptop, weakPassword)
	n := s.stored(workName).notes[planName]
	require.EqualValues(t, 1, n.Epoch)
	for epoch, want := range map[uint32]error{0: recovery.ErrEpoch, 2: wrap.ErrOpen, 3: recovery.ErrEpoch} {
		n.Epoch = epoch
		_, err := ringVault{k}.read(ctx, planName, n)
		require.ErrorIs(t, err, want)
	}
	n.Epoch = 1
	_, err := ringVault{k}.read(ctx, "another note", n)
	require.ErrorIs(t, err, wrap.ErrOpen)
}

// TestStolenRecord: with the server's setup a record is as good as a hash, and
// without it of no use.
func TestStolenRecord(t *testing.T) {
	ctx := t.Context()
	_, s, _ := newRingWorld(t, afterMove)
	a := s.stored(workName)
	other, err := newOPAQUE(s.secrets)
	require.NoError(t, err)
	right, wrong := string(weakPassword), guesses[0]
	require.NoError(t, guessAtRecord(ctx, s.opaque, workName, a.records[byOPAQUE], right))
	require.Equal(t, opaque.ErrAuthentication, guessAtRecord(ctx, s.opaque, workName, a.records[byOPAQUE], wrong))
	require.Equal(t, opaque.ErrAuthentication, guessAtRecord(ctx, other, workName, a.records[byOPAQUE], right))

	_, _, err = guessAtHeader(ctx, a.keyring)
	require.Equal(t, errNoGuess, err)
	before, err := beforeMove()
	require.NoError(t, err)
	found, k, err := guessAtHeader(ctx, before.account.keyring)
	require.NoError(t, err)
	require.Equal(t, right, found)
	requirePlan(t, s, k)
	require.False(t, bytes.Equal(a.keyring, before.account.keyring))
}
