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
	shares "github.com/nescio-go/nescio/recovery/contacts"
)

var errPassword = errors.New("the password is wrong, or this session has ended")

// overtaken is also what a login says about an earlier removal.
const overtaken = "another device changed the keyring first, and a removal did not happen: look at slots, mark them with slots -seen, and then use slots -resolve"

// noRoom is what a login says that could make no slot for the device.
const noRoom = "The keyring has no room for this device, which opens nothing offline. Remove another slot with slots -remove, and log in again."

const notACode = "That is longer than any code, and was not sent. Never enter a password or a recovery phrase where a code is asked."

// explanations say what a person can do about an error. The first match counts.
var explanations = []struct {
	err  error
	text string
}{
	{client.ErrExport, client.ErrExport.Error()}, // also for a cost that the file asks for
	{client.ErrNoDevice, "this device has no account yet: use login NAME, or signup NAME for a new account"},
	{client.ErrLoggedOut, "this device is logged out: use login"},
	{client.ErrOtherAccount, "this device has another account: use another -folder, or forget this one"},
	{client.ErrWrongPassword, "the password does not open this device. If the keyring has a password of its own, enter that one. If the password was changed on another device, log in with the new one"},
	{client.ErrProtocol, client.ErrProtocol.Error()},
	{client.ErrChanged, client.ErrChanged.Error()},
	{client.ErrModuli, "this account uses Proton's protocol: give -moduli FILE with the server's public keys"},
	{client.ErrKeyringPassword, client.ErrKeyringPassword.Error()},
	{client.ErrUnreadable, "the server has an item that none of your devices can have written. This device keeps its own version. It may be an attack: change the password, and end other sessions"},
	{client.ErrAuthentication, "the name or the password is wrong. After a review by the operator, the name may belong to a new account: the former one opens with login -former 1"},
	{client.ErrServer, "the server could not prove that it has this account: check -server"},
	{kdf.ErrWeak, "the server asks for a cost of the password that is too low. It may be an attack: ask its operator"},
	{kdf.ErrExcessive, "the server asks for a cost of the password that is too high. It may be an attack: ask its operator"},
	{prepare.ErrInvalid, "a name or a password contains characters that not every device can type"},
	{client.ErrNoClaim, "this device has no claim. To begin, use recover with -phrase, -file FILE or -contacts, and NAME"},
	{client.ErrHasClaim, "this device has a claim already: use recover to see it, or recover -drop to forget it"},
	{client.ErrNotReady, "the claim is not ready yet: use recover to see its state"},
	{client.ErrClaimOver, "the claim is over: use recover to see its state"},
	{client.ErrNotACode, notACode},
	{client.ErrCodes, "the codes do not match: begin again on both sides. If nobody has mistyped, somebody else has answered in between"},
	{client.ErrNoAsk, "the request is too old, or was granted already: begin again on the other side"},
	{client.ErrNoShare, "this account keeps no share for that"},
	{client.ErrNotALink, "that is not the link of an invitation: put it in quotation marks, as a whole"},
	{client.ErrNoInvitation, "there is no such invitation, or somebody else has accepted it: ask for another one"},
	{client.ErrForged, "an answer to an invitation is forged: somebody else had the link. Use contacts -remove, and invite the contact again"},
	{client.ErrNotAccepted, client.ErrNotAccepted.Error()},
	{client.ErrNoMessage, client.ErrNoMessage.Error()},
	{shares.ErrOpen, "the share does not open with the key of this account: ask the owner to appoint again"},
	{shares.ErrForeign, "the share is of another account, or not of the invitation: it may be an attack. Ask the owner"},
	{shares.ErrMalformed, "a contact's key is not valid, or it occurs twice: an account can be your contact only once"},
	{shares.ErrFew, "too few shares fit the account: it has other contacts now, or the shares are wrong. Use recover -drop, and begin again"},
	{client.ErrNotRestored, client.ErrNotRestored.Error()},
	{recovery.ErrRollback, "the server answers with older data than this device has seen. It was restored from a backup, or it is an attack: ask its operator, and then use restore"},
	{recovery.ErrFork, "the server answers with a keyring that does not continue the one of this device. It was restored from a backup, or it is an attack: ask its operator. After a backup, use restore on the device that was used last"},
	{recovery.ErrUntrusted, "the server answers with a keyring that is not authentic. It may be an attack: ask its operator before you go on"},
	{recovery.ErrOtherAccount, "the server answers with the keyring of another account: check -server and -folder"},
	{recovery.ErrUnseen, "the keyring has slots that you have not been shown: use slots, and then slots -seen or slots -remove"},
	{recovery.ErrOvertaken, overtaken},
	{recovery.ErrUnconfirmed, "the change of the keyring may or may not be stored: use sync, and look at slots"},
	{recovery.ErrPolicy, "the keyring refuses the change. It may have no room for another slot: look at slots, and remove one"},
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
	case api.NotAllowed:
		return plain(e.Message) + ": a device that was let in by another one, or that recovers the account, has to log in first"
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
