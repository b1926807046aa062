package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/recovery"
)

var errPassword = errors.New("the password is wrong, or this session has ended")

// overtaken is also what a login says about an earlier removal.
const overtaken = "another device changed the keyring first, and a removal did not happen: look at slots, mark them with slots -seen, and then use slots -resolve"

// explanations say what a person can do about an error. The first match counts.
var explanations = []struct {
	err  error
	text string
}{
	{client.ErrNoDevice, "this device has no account yet: use login NAME, or signup NAME for a new account"},
	{client.ErrLoggedOut, "this device is logged out: use login"},
	{client.ErrOtherAccount, "this device has another account: use another -folder, or forget this one"},
	{client.ErrWrongPassword, "the password does not open this device. If the keyring has a password of its own, enter that one. If the password was changed on another device, log in with the new one"},
	{client.ErrProtocol, client.ErrProtocol.Error()},
	{client.ErrChanged, client.ErrChanged.Error()},
	{client.ErrModuli, "this account uses Proton's protocol: give -moduli FILE with the server's public keys"},
	{client.ErrKeyringPassword, client.ErrKeyringPassword.Error()},
	{client.ErrUnreadable, "the server has an item that none of your devices can have written. This device keeps its own version. It may be an attack: change the password, and end other sessions"},
	{client.ErrAuthentication, "the name or the password is wrong. If it is surely right, the server has another -identity"},
	{client.ErrServer, "the server could not prove that it has this account: check -server"},
	{kdf.ErrWeak, "the server asks for a cost of the password that is too low. It may be an attack: ask its operator"},
	{kdf.ErrExcessive, "the server asks for a cost of the password that is too high. It may be an attack: ask its operator"},
	{prepare.ErrInvalid, "a name or a password contains characters that not every device can type"},
	{recovery.ErrRollback, "the server answers with older data than this device has seen. It was restored from a backup, or it is an attack: ask its operator before you go on"},
	{recovery.ErrFork, "the server answers with a keyring that does not continue the one of this device. It was restored from a backup, or it is an attack: ask its operator before you go on"},
	{recovery.ErrUntrusted, "the server answers with a keyring that is not authentic. It may be an attack: ask its operator before you go on"},
	{recovery.ErrOtherAccount, "the server answers with the keyring of another account: check -server and -folder"},
	{recovery.ErrUnseen, "the keyring has slots that you have not been shown: use slots, and then slots -seen or slots -remove"},
	{recovery.ErrOvertaken, overtaken},
	{recovery.ErrUnconfirmed, "the change of the keyring may or may not be stored: use sync, and look at slots"},
	{recovery.ErrConflict, "another program has changed the same data at this moment: try again"},
	{recovery.ErrWrongSecret, "this device was removed from the keyring: use login"},
}

// explain returns an error in words that a person can act on.
func explain(ctx context.Context, err error) error {
	var usage cli.UsageError
	if err == nil || err == flag.ErrHelp || errors.As(err, &usage) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *api.Error
	if errors.As(err, &answer) {
		return errors.New(explainAnswer(answer))
	}
	if errors.Is(err, client.ErrOffline) {
		var cause *url.Error
		if errors.As(err, &cause) {
			return fmt.Errorf("the server was not reached: check the network and -server (%w)", cause.Err)
		}
		return err
	}
	for _, e := range explanations {
		if errors.Is(err, e.err) {
			return errors.New(e.text)
		}
	}
	return err
}

func explainAnswer(e *api.Error) string {
	switch e.Code {
	case api.RateLimited:
		return fmt.Sprintf("too many tries: wait %s, and try again", count(e.RetryAfter, "second"))
	case api.Taken:
		return "the name is taken: choose another one. Names of deleted accounts stay taken"
	case api.LoginRequired:
		return "the last login is too long ago for this change: use login, and then repeat it"
	case api.CodeRequired:
		return "the server asks for another code: wait for the next one, and try again"
	case api.Full:
		return "the account has no more room: remove items"
	case api.Malformed, api.MediaType, api.MethodNotAllowed, api.StepUpRequired:
		return "the server refused the request: " + plain(e.Message)
	}
	return plain(e.Message)
}

func answered(err error, code api.Code) bool { return errors.Is(err, &api.Error{Code: code}) }

// away returns why a device works with what it has, or "" for other errors.
func away(err error) string {
	switch {
	case errors.Is(err, client.ErrOffline):
		return "offline"
	case errors.Is(err, client.ErrLoggedOut), answered(err, api.Unauthenticated):
		return "logged out"
	case answered(err, api.Busy), answered(err, api.Internal):
		return "the server has a problem"
	}
	return ""
}

// needsServer is the error of a command that does nothing offline.
func needsServer(why string) error { return fmt.Errorf("%s: nothing was done", why) }
