package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// client is the program of a user, on one device. How it logs in in either
// protocol is in client_protocols.go, how it moves from one to the other in
// client_move.go, and what it does with a keyring in client_keyring.go,
// client_recovery.go, client_approval.go and client_contacts.go. What the program of
// a contact does is in client_contact.go.
type client struct {
	base    string // of the server's URLs
	origins origins
	srp     *srp.Client // for logins
	fresh   *srp.Client // for new passwords
	opaque  *opaque.Client
	user    string          // who logged in last
	token   string          // of the session
	seen    map[string]bool // users who have logged in by OPAQUE here; on the disk of a real device

	pins     [][]byte        // of the keyring, the newest first; on the disk too
	firstUse bool            // the user agreed to a keyring of which this device has no pin
	way      recovery.Opener // what opens the keyring, while the program runs
	device   deviceLogin     // what it logs in by once it has been approved; on the disk too
}

// newClient trusts two keys for moduli, and nothing that the server says.
func newClient(base string) (*client, error) {
	o, err := newOrigins()
	if err != nil {
		return nil, err
	}
	c := &client{base: base, origins: o, seen: make(map[string]bool)}
	profiles := []srp.Profile{srp.Proton(4)}
	if c.srp, err = srp.NewClient(srp.ClientConfig{Profiles: profiles, AcceptGroup: o.AcceptGroup}); err != nil {
		return nil, err
	}
	if c.fresh, err = srp.NewClient(srp.ClientConfig{Profiles: profiles, AcceptGroup: o.AcceptNewGroup}); err != nil {
		return nil, err
	}
	c.opaque, err = opaque.NewClient(opaque.ClientConfig{ServerIdentity: []byte(serverName)})
	return c, err
}

// signUp registers an account. The password stays here.
func (c *client) signUp(ctx context.Context, name string, password []byte) error {
	auth, err := c.register(ctx, "/auth/modulus", password)
	if err != nil {
		return err
	}
	return c.call(ctx, "POST", "/users", signUpRequest{name, auth}, nil)
}

// register makes what the server stores in place of a password, on the modulus
// that it hands out at a path.
func (c *client) register(ctx context.Context, path string, password []byte) (signUpAuth, error) {
	var m modulusResponse
	if err := c.call(ctx, "GET", path, struct{}{}, &m); err != nil {
		return signUpAuth{}, err
	}
	group, err := c.origins.group(m.Modulus)
	if err != nil {
		return signUpAuth{}, err
	}
	record, err := c.fresh.Register(ctx, srp.Offer{Profile: srp.Proton(4), Group: group}, nil, password)
	if err != nil {
		return signUpAuth{}, err
	}
	return signUpAuth{Version: 4, ModulusID: m.ModulusID, Salt: record.Salt(), Verifier: record.Verifier()}, nil
}

// changePassword replaces the record and the keys that hang on the password,
// both or neither. It needs a login of the last minute, and an account on SRP.
func (c *client) changePassword(ctx context.Context, password []byte, keys userKeys) error {
	if c.seen[c.user] {
		return errPushedBack
	}
	auth, err := c.register(ctx, "/settings/modulus", password)
	if err != nil {
		return err
	}
	return c.call(ctx, "PUT", "/settings/password", passwordRequest{auth, keys}, nil)
}

// login begins a session in Proton's protocol and returns its key.
func (c *client) login(ctx context.Context, name string, password []byte) ([]byte, error) {
	if c.seen[canonical(name)] {
		return nil, errPushedBack
	}
	var info infoResponse
	if err := c.call(ctx, "POST", "/auth/info", infoRequest{name}, &info); err != nil {
		return nil, err
	}
	group, err := c.origins.group(info.Modulus)
	if err != nil {
		return nil, err
	}
	login, _, err := c.srp.Login(nil, password)
	if err != nil {
		return nil, err
	}
	defer login.Discard()
	proof, err := login.Answer(ctx, srp.Challenge{
		Profile: srp.Proton(info.Version),
		Group:   group,
		Salt:    info.Salt,
		B:       info.ServerEphemeral,
	})
	if err != nil {
		return nil, err
	}
	var auth authResponse
	request := authRequest{name, proof.A, proof.M1, info.SRPSession}
	if err := c.call(ctx, "POST", "/auth", request, &auth); err != nil {
		return nil, err
	}
	key, err := login.Confirm(auth.ServerProof) // a server that knows no verifier ends here
	if err != nil {
		return nil, err
	}
	c.user, c.token = canonical(name), auth.AccessToken
	return key, nil
}

// localCopy is what a device keeps: all of it encrypted.
type localCopy struct {
	Keys  userKeys
	Notes notes
}

// download fetches the account's keys and notes.
func (c *client) download(ctx context.Context) (copied localCopy, err error) {
	if err := c.call(ctx, "GET", "/keys", struct{}{}, &copied.Keys); err != nil {
		return localCopy{}, err
	}
	err = c.call(ctx, "GET", "/notes", struct{}{}, &copied.Notes)
	return copied, err
}

// upload stores the vault's master key, wrapped under a password.
func (c *client) upload(ctx context.Context, v *vault, password []byte) error {
	locked, err := v.lock(ctx, password)
	if err != nil {
		return err
	}
	return c.call(ctx, "PUT", "/keys", locked, nil)
}

// statusError is an answer that is not 200.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return fmt.Sprintf("%d %s", e.status, e.text) }

// maxBody is the most that one side takes from the other, in bytes: more than any
// header of a keyring.
const maxBody = 2 * recovery.MaxHeader

func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	d := json.NewDecoder(io.LimitReader(response.Body, maxBody))
	if response.StatusCode != http.StatusOK {
		var e errorResponse
		if err := d.Decode(&e); err != nil {
			return errors.New(response.Status)
		}
		return statusError{response.StatusCode, e.Error}
	}
	if out == nil {
		return nil
	}
	return d.Decode(out)
}
