package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// client is the program of a user.
type client struct {
	base string // of the server's URLs
	key  *openpgp.Key
	srp  *srp.Client
}

// newClient trusts Proton's key for moduli, and nothing that the server says.
func newClient(base string) (*client, error) {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		return nil, err
	}
	c, err := srp.NewClient(srp.ClientConfig{
		Profiles:    []srp.Profile{srp.Proton(4)},
		AcceptGroup: key.AcceptGroup,
	})
	if err != nil {
		return nil, err
	}
	return &client{base, key, c}, nil
}

// group reads a signed modulus. Package srp asks the key about it again, and
// then proves it.
func (c *client) group(message string) (srp.GroupRef, error) {
	n, err := c.key.Modulus([]byte(message))
	if err != nil {
		return srp.GroupRef{}, err
	}
	return srp.GroupRef{N: n, G: openpgp.Generator, Credential: []byte(message)}, nil
}

// signUp registers an account. The password stays here.
func (c *client) signUp(ctx context.Context, name string, password []byte) error {
	var m modulusResponse
	if err := c.call(ctx, "GET", "/auth/modulus", nil, &m); err != nil {
		return err
	}
	group, err := c.group(m.Modulus)
	if err != nil {
		return err
	}
	record, err := c.srp.Register(ctx, srp.Offer{Profile: srp.Proton(4), Group: group}, nil, password)
	if err != nil {
		return err
	}
	auth := signUpAuth{Version: 4, ModulusID: m.ModulusID, Salt: record.Salt(), Verifier: record.Verifier()}
	return c.call(ctx, "POST", "/users", signUpRequest{name, auth}, nil)
}

// login returns the session key.
func (c *client) login(ctx context.Context, name string, password []byte) ([]byte, error) {
	var info infoResponse
	if err := c.call(ctx, "POST", "/auth/info", infoRequest{name}, &info); err != nil {
		return nil, err
	}
	group, err := c.group(info.Modulus)
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
	return login.Confirm(auth.ServerProof) // a server that knows no verifier ends here
}

// statusError is an answer that is not 200.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return fmt.Sprintf("%d %s", e.status, e.text) }

func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	d := json.NewDecoder(response.Body)
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
