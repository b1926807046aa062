package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
)

const claimsUsage = `
[-delay ID | -cancel ID] [flags]

Lists claims: somebody wants to get into this account without its password. If
it is not you, delay the claim at once and cancel it then. If you have lost the
password and it is you, leave it alone.

With -delay, the claim waits twice as long. This needs no password, and works
once. For 30 days after -cancel, files and contacts open nothing, and approved
devices set no password. Their claims go to the operator, who can only allow a
new account. The password and the phrase still work.

The first digits of an id are enough.

Input: with -cancel, the password of the login, and a code if the account has a
second factor.
`

func claims(ctx context.Context, d *device, args []string) error {
	delay := d.flags.String("delay", "", "`ID` of the claim to delay")
	cancel := d.flags.String("cancel", "", "`ID` of the claim to cancel")
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	action, err := d.oneOf("delay", "cancel")
	if err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	all, err := d.OwnClaims(ctx)
	if err != nil {
		return err
	}
	if action == "" {
		return d.listClaims(all)
	}
	claim, err := pick(all, func(c api.OwnClaim) string { return c.ID.String() }, "claim", or(*delay, *cancel))
	if err != nil {
		return err
	}
	if action == "delay" {
		return d.delayClaim(ctx, claim)
	}
	return d.cancelClaim(ctx, claim)
}

func (d *device) listClaims(all []api.OwnClaim) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(d.out, "there are no claims")
		return err
	}
	for _, c := range all {
		line := fmt.Sprintf("%s  %s  %-28s  %s", c.ID.String()[:short], date(c.Begun), ownClaimState(c), cut(plain(c.Address), 22))
		fmt.Fprintln(d.out, strings.TrimRight(line, " "))
		text := claimWay(c.Way)
		if c.Account && (c.State == api.ClaimWaiting || c.State == api.ClaimReady) {
			text += ", makes a new account under your names"
		}
		if c.Doubled {
			text += ", delayed"
		}
		fmt.Fprint(d.out, cli.Wrap("          ", text))
	}
	return nil
}

// ownClaimState says what has become of a claim of this account.
func ownClaimState(c api.OwnClaim) string {
	switch c.State {
	case api.ClaimReview:
		return "operator decides"
	case api.ClaimWaiting:
		return "waits until " + date(c.Opens)
	case api.ClaimReady:
		return "can be used now"
	case api.ClaimDone:
		return "used"
	}
	return cut(plain(string(c.State)), 28) // cancelled, refused or failed
}

func (d *device) delayClaim(ctx context.Context, claim api.OwnClaim) error {
	switch {
	case claim.State != api.ClaimWaiting:
		return fmt.Errorf("only a claim that waits can be delayed. The state of this one is: %s", ownClaimState(claim))
	case claim.Doubled:
		return fmt.Errorf("the claim was delayed already: cancel it if it is not yours")
	}
	if err := d.DelayClaim(ctx, claim.ID); err != nil {
		return err
	}
	all, err := d.OwnClaims(ctx)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(c api.OwnClaim) bool { return c.ID == claim.ID }); i >= 0 {
		claim = all[i]
	}
	_, err = fmt.Fprintf(d.out, "the claim waits until %s now\n", date(claim.Opens))
	return err
}

func (d *device) cancelClaim(ctx context.Context, claim api.OwnClaim) error {
	if !open(claim.State) {
		return fmt.Errorf("the claim is over: %s", ownClaimState(claim))
	}
	err := d.withLogin(ctx, func(password []byte) error {
		return d.confirmed(ctx, func() error { return d.CancelClaim(ctx, password, claim.ID) })
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(d.out, cli.Wrap("", "The claim is cancelled. "+blocked+" Somebody may have your recovery file, or your contacts may be deceived: look at slots, and ask them."))
	return err
}

// open reports whether a claim can still get into the account.
func open(state api.ClaimState) bool {
	return state == api.ClaimWaiting || state == api.ClaimReview || state == api.ClaimReady
}

// warn tells the user of a claim, whenever the keyring is opened.
func (d *device) warn(ctx context.Context) {
	all, err := d.OwnClaims(ctx)
	if err != nil {
		return
	}
	n := 0
	for _, c := range all {
		if open(c.State) {
			n++
		}
	}
	if n > 0 {
		d.say("%s", attention(n))
	}
}

func attention(n int) string {
	if n == 1 {
		return "attention: 1 claim of this account is open. If it is not yours, use claims"
	}
	return fmt.Sprintf("attention: %d claims of this account are open. If they are not yours, use claims", n)
}
