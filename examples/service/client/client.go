// Package client is the client of the service. It keeps an account's keyring and
// items on one device, online and offline.
//
// Call [New], then [Client.SignUp] or [Client.Login] once on a device. Later
// [Client.Unlock] opens what the device has, without the server if need be.
//
// Without the password, [Client.LoginPhrase], or a claim such as
// [Client.ClaimFile] and then [Client.OpenClaim], open the keyring to read, and
// [Client.SetPassword] sets a new password. With another device of the user,
// [Client.Join] lets a new device in.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// Errors that users can act on. Others come from package recovery, from the
// server as *api.Error, or from the transport.
var (
	// ErrAuthentication means a wrong password or an unknown name.
	ErrAuthentication = errors.New("the name or the password is wrong")
	// ErrCodeRequired means that the login waits for [Client.Code].
	ErrCodeRequired = errors.New("the account has a second factor: send a code")
	// ErrSecondPassword means that the keyring has a password of its own.
	ErrSecondPassword = errors.New("the keyring has another password: enter it too")
	// ErrKeyringPassword means that the password of the keyring is wrong.
	ErrKeyringPassword = errors.New("the password of the keyring is wrong")
	// ErrLoggedOut means that the device has no session.
	ErrLoggedOut = errors.New("not logged in")
	// ErrOffline means that the server was not reached, or that its answer was
	// lost.
	ErrOffline = errors.New("the server was not reached")
	// ErrLocked means that the keyring is not open.
	ErrLocked = errors.New("the keyring is locked")
	// ErrProtocol means that the server answers with SRP for an account that
	// has used OPAQUE. It may be an attack.
	ErrProtocol = errors.New("the server asks for the older protocol, which this account no longer uses: do not enter the password again before you know why")
	// ErrModuli means that the server uses Proton's protocol with moduli that
	// the client has no keys for.
	ErrModuli = errors.New("the account uses Proton's protocol, and this client does not trust its moduli")
	// ErrChanged means that another device has changed the password meanwhile.
	ErrChanged = errors.New("another device has changed the password: log in again")
	// ErrServer means that the server does not have the account's record. It is
	// not the server that the account was made with.
	ErrServer = errors.New("the server could not prove that it has this account")
	// ErrOtherAccount means that the device has the data of another account.
	ErrOtherAccount = errors.New("this device belongs to another account")
	// ErrOtherServer means that the device has logged in to another server,
	// which alone gets its tokens.
	ErrOtherServer = errors.New("this device has logged in to another server")
	// ErrWrongPassword means a password that does not open this device.
	ErrWrongPassword = errors.New("the password does not open this device")
)

// Request is an HTTP request, with a path and headers.
type Request struct {
	Method, Path string
	Header       map[string]string
	Body         []byte
}

// Response is the answer to a Request.
type Response struct {
	Status int
	Body   []byte
}

// Transport sends requests. Its errors mean that the server was not reached or
// that its answer was lost.
type Transport interface {
	Do(ctx context.Context, r Request) (Response, error)
}

// Store keeps the values of one device. A value is nil at first. Swap replaces
// previous, atomically and durably, or returns recovery.ErrConflict.
type Store interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Swap(ctx context.Context, key string, previous, next []byte) error
}

// Config configures New. Transport and Store are required.
type Config struct {
	Transport Transport
	Store     Store
	// Server names the server of the Transport, such as its address.
	Server string
	// Identity is the server's. If empty, it is the default of package server.
	Identity string
	// Moduli are the keys that sign the moduli of profile proton-4. Without
	// them the client does not log in to such accounts.
	Moduli        *moduli.Keys
	ModuliPurpose string
	// KDFPolicy limits what servers may ask for.
	KDFPolicy kdf.Policy
	// SlotCost is the cost of passwords that open the keyring. If zero, it is
	// kdf.Default.
	SlotCost kdf.Params
	// DeviceCost is the cost of the password on this device. If zero, it is
	// calibrated to one second.
	DeviceCost kdf.Params
	// Progress, if not nil, is called before steps that take long.
	Progress func(step string)
}

// Client is the client of one account on one device. It is safe for concurrent
// use. Methods with a context run one at a time.
type Client struct {
	cfg      Config
	opaque   *opaque.Client
	srp      *srp.Client // for logins
	nescio   *srp.Client // for step-ups with profile nescio, in a context
	proton   *srp.Client // for step-ups with profile proton-4, which have none
	register *srp.Client // for new passwords
	keys     *recovery.Client
	remote   *remote

	mu      sync.Mutex
	account accountState // as stored on the device
	stored  []byte       // its bytes
	opened  *opened      // a login that waits for a code
	open    bool         // the keyring is open
	items   *cache
}

// New returns the client of a device, with what the store has.
func New(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Identity == "" {
		cfg.Identity = "nescio/examples/service"
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	c := &Client{cfg: cfg}
	var err error
	if c.opaque, err = opaque.NewClient(opaque.ClientConfig{KSFPolicy: cfg.KDFPolicy, ServerIdentity: []byte(cfg.Identity)}); err != nil {
		return nil, err
	}
	nescio := srp.ClientConfig{
		Profiles: []srp.Profile{srp.Nescio()}, KDFPolicy: cfg.KDFPolicy, ServerIdentity: []byte(cfg.Identity),
	}
	login, proton, register := nescio, nescio, nescio
	if cfg.Moduli != nil {
		proton.Profiles, register.Profiles = []srp.Profile{srp.Proton(4)}, []srp.Profile{srp.Proton(4)}
		proton.GroupPolicy = cfg.Moduli.GroupPolicy(cfg.ModuliPurpose)
		register.GroupPolicy = cfg.Moduli.RegistrationPolicy(cfg.ModuliPurpose)
		login.Profiles = []srp.Profile{srp.Nescio(), srp.Proton(4)}
		login.GroupPolicy = srp.AnyOf(srp.RFC5054Groups, proton.GroupPolicy)
	}
	for one, config := range map[**srp.Client]srp.ClientConfig{&c.srp: login, &c.nescio: nescio, &c.proton: proton, &c.register: register} {
		if *one, err = srp.NewClient(config); err != nil {
			return nil, err
		}
	}
	c.remote = &remote{c: c, parts: make(map[recovery.SlotID]part)}
	c.keys = recovery.NewClient(localState{cfg.Store}, c.remote)
	if c.stored, err = cfg.Store.Load(ctx, storeAccount); err != nil {
		return nil, err
	}
	if c.stored != nil {
		if err := json.Unmarshal(c.stored, &c.account); err != nil {
			return nil, fmt.Errorf("the state of this device is damaged: %w", err)
		}
	}
	c.items, err = loadCache(ctx, cfg.Store)
	return c, err
}

// The keys of values in a Store.
const (
	storeAccount = "account"
	storeKeyring = "keyring"
	storeVault   = "vault"
	storeItems   = "items"
	storeClaim   = "claim"
)

// localState is the recovery.Local in a Store.
type localState struct{ Store }

func (l localState) Load(ctx context.Context) ([]byte, error) { return l.Store.Load(ctx, storeKeyring) }

func (l localState) Swap(ctx context.Context, previous, next []byte) error {
	return l.Store.Swap(ctx, storeKeyring, previous, next)
}

// Close clears the keys.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys.Close()
	c.open = false
	c.drop()
}

// call makes a request in the session, if there is one. The answer goes to out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	return c.callWith(ctx, method, path, c.account.Token, "", in, out)
}

func (c *Client) callWith(ctx context.Context, method, path, token, stepUp string, in, out any) error {
	if c.account.Server != "" && c.account.Server != c.cfg.Server {
		return ErrOtherServer
	}
	r := Request{Method: method, Path: path, Header: map[string]string{"Accept": "application/json"}}
	if token != "" {
		r.Header["Authorization"] = "Bearer " + token
	}
	if stepUp != "" {
		r.Header[api.StepUpHeader] = stepUp
	}
	if in != nil {
		body, ok := in.([]byte)
		if !ok {
			var err error
			if body, err = json.Marshal(in); err != nil {
				return err
			}
		}
		r.Header["Content-Type"], r.Body = "application/json", body
	}
	answer, err := c.cfg.Transport.Do(ctx, r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	if answer.Status != 200 {
		failure := new(api.Error)
		if json.Unmarshal(answer.Body, failure) != nil || failure.Code == "" {
			return fmt.Errorf("the server answered with status %d", answer.Status)
		}
		return failure
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return errors.New("the server's answer cannot be read")
	}
	return nil
}

// hasCode reports whether the server answered with a code.
func hasCode(err error, code api.Code) bool { return errors.Is(err, &api.Error{Code: code}) }

// path joins a path and an id.
func path(prefix string, id api.ID) string { return prefix + url.PathEscape(id.String()) }
