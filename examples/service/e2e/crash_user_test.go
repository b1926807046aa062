package e2e

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// crashUser is an account with what its devices know of it.
type crashUser struct {
	c        *crash
	name     string
	id       api.ID
	devices  []*crashDevice
	newcomer bool
	signedUp bool

	mu        sync.Mutex
	passwords []string // those that may count, the oldest first
	changes   int      // begun and ended, of the password
	changed   int      // acknowledged
	perhaps   int      // not acknowledged
	written   map[string]bool
	removed   []api.ID
	counted   int // acknowledged, by a device that counts
	counting  int
	codes     []string // backup codes
	secret    []byte   // of TOTP
}

func (c *crash) user(name string) *crashUser {
	u := &crashUser{c: c, name: name, passwords: []string{"password 0 of " + name}, written: make(map[string]bool)}
	c.users = append(c.users, u)
	return u
}

func (u *crashUser) names() []string { return []string{u.name, u.name + "@example.org"} }

// crashDevice is a device of a user.
type crashDevice struct {
	*client.Client
	u       *crashUser
	changes bool // it is the device that changes the password
	address string
	random  *rand.Rand
	pending []string // lines that were written here, and not acknowledged
	n       int
}

// from is a RoundTripper of a client with an address in a network of its own.
// Limits of addresses are not the subject.
type from string

func (f from) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("%s.%d", f, rand.IntN(256)))
	return crashRoutes.RoundTrip(r)
}

// device returns a device with an address of its own. It has the default costs,
// as the program does.
func (c *crash) device(u *crashUser, changes bool) *crashDevice {
	h := fnv.New64a()
	fmt.Fprint(h, u.name, len(u.devices))
	d := &crashDevice{u: u, changes: changes, random: rand.New(rand.NewPCG(*crashSeed, h.Sum64()))}
	d.address = fmt.Sprintf("10.%d.%d", d.random.IntN(256), d.random.IntN(256))
	transport, err := client.HTTP(c.balancer.URL, &http.Client{Transport: from(d.address), Timeout: time.Minute})
	require.NoError(c, err)
	cost, err := kdf.NewPBKDF2SHA512(1000)
	require.NoError(c, err)
	d.Client, err = client.New(c.Context(), client.Config{Transport: transport, Store: newMemory(), Server: c.balancer.URL, DeviceCost: cost})
	require.NoError(c, err)
	c.Cleanup(d.Client.Close)
	return d
}

// begin signs up on the first device of a user, and logs in on the others.
func (d *crashDevice) begin() {
	u, ctx := d.u, d.u.c.Context()
	var err error
	for range 20 { // an answer may be lost
		if _, err = d.Login(ctx, u.name, one(u.passwords[0])); errors.Is(err, client.ErrAuthentication) && len(u.devices) == 0 {
			_, err = d.SignUp(ctx, u.names(), one(u.passwords[0]))
		}
		if err == nil {
			break
		}
	}
	require.NoError(u.c, err)
	u.devices = append(u.devices, d)
	d.look()
}

// look shows the user which slots the keyring has.
func (d *crashDevice) look() {
	if err := d.MarkSeen(context.Background(), d.Unseen()); err != nil && !errors.Is(err, recovery.ErrNoCheckpoint) {
		d.u.c.Errorf("%s: MarkSeen: %v", d.u.name, err)
	}
}

// transient reports whether an operation may fail like this while things crash.
func transient(err error) bool {
	for _, expected := range []error{
		client.ErrOffline, client.ErrLoggedOut, context.DeadlineExceeded, recovery.ErrConflict, recovery.ErrUnconfirmed, recovery.ErrUnseen, client.ErrChanged,
		is(api.Internal), is(api.Busy), is(api.RateLimited), is(api.Unauthenticated), is(api.LoginRequired), is(api.Conflict),
	} {
		if errors.Is(err, expected) {
			return true
		}
	}
	return err == nil || strings.Contains(err.Error(), "status 502")
}

// done counts an operation. Errors that crashes do not explain fail the test.
func (d *crashDevice) done(operation string, err error) bool {
	d.u.c.count(operation, err)
	if !transient(err) && !d.resolved(err) {
		d.u.c.Errorf("%s: %s: %v", d.u.name, operation, err)
	}
	return err == nil
}

// resolved continues after a removal that another device has overtaken, like a
// user who has looked at the slots.
func (d *crashDevice) resolved(err error) bool {
	if !errors.Is(err, recovery.ErrOvertaken) {
		return false
	}
	d.look()
	passwords, _ := d.u.known()
	again := d.Resolve(d.u.c.Context(), []byte(passwords[0]))
	d.u.c.count("resolved", again)
	return transient(again) || errors.Is(again, recovery.ErrOvertaken) || errors.Is(again, client.ErrAuthentication)
}
