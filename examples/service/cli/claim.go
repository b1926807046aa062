package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
)

// goOn prints the state of this device's claim, and goes on with a claim that is
// ready. The file is for claims with a file, or nil.
func (d *device) goOn(ctx context.Context, now api.Claim, file *recovery.File) error {
	if now.State == api.ClaimDone && now.Account {
		return d.newAccount(ctx) // the answer may have been lost
	}
	if err := claimOver(now); err != nil {
		return err
	}
	who, err := d.ClaimOf(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "account:  %s\n", whoText(who))
	fmt.Fprintf(d.out, "claim:    %s\n", claimWay(now.Way))
	fmt.Fprintf(d.out, "state:    %s\n", claimState(now))
	if now.Reason != "" {
		fmt.Fprintf(d.out, "reason of the operator:\n%s", wrapLines("  ", now.Reason))
	}
	if now.State == api.ClaimReady && now.Account {
		return d.newAccount(ctx)
	}
	if now.State == api.ClaimReady && (now.Way != api.WayFile || file != nil) {
		return d.openClaim(ctx, now.Way, file)
	}
	_, err = fmt.Fprint(d.out, cli.Wrap("", nextStep(now)))
	return err
}

func whoText(who client.Who) string {
	if who.Former == 0 {
		return plain(who.Name)
	}
	return fmt.Sprintf("%s (former account %d)", plain(who.Name), who.Former)
}

// claimWay says what a claim was made with.
func claimWay(way api.Way) string {
	switch way {
	case api.WayFile:
		return "with a recovery file"
	case api.WayContacts:
		return "with contacts"
	case api.WayPassword:
		return "to set a password on an approved device"
	case api.WayReview:
		return "by a review of the operator"
	case api.WayDevice:
		return "to join as a device"
	}
	return plain(string(way))
}

func claimState(now api.Claim) string {
	switch now.State {
	case api.ClaimAsked:
		n := 0
		for _, a := range now.Asks {
			if a.Grant != nil {
				n++
			}
		}
		return fmt.Sprintf("%s sent. The claim ends on %s", given(n), date(now.Ends))
	case api.ClaimWaiting:
		return "it waits until " + date(now.Opens)
	case api.ClaimReview:
		return "the operator decides by " + date(now.Ends)
	case api.ClaimReady:
		return "it is ready, until " + date(now.Ends)
	}
	return plain(string(now.State))
}

// given counts what contacts have sent. One of them may have sent a share again.
func given(n int) string {
	if n == 0 {
		return "no share was"
	}
	if n == 1 {
		return "1 share was"
	}
	return fmt.Sprintf("%d shares were", n)
}

// blocked says what a cancelled claim means for later ones.
const blocked = "For 30 days after that, files and contacts open nothing, and approved devices set no password. Their claims go to the operator, who can only allow a new account. The password and the phrase still work."

// nextStep says what a claimant can do now.
func nextStep(now api.Claim) string {
	switch {
	case now.State == api.ClaimAsked:
		return "To ask the next contact, use recover -contacts."
	case now.State == api.ClaimReady:
		return "To open the account, use recover -file FILE, with the file that the claim was begun with."
	case now.State == api.ClaimReview && now.Way != api.WayReview:
		return "Earlier claims of this account were cancelled or have failed. " + blocked + " To see the decision, use recover."
	case now.State == api.ClaimReview:
		return "The operator may want to talk to you. To see the decision, use recover."
	case now.Account:
		return "The operator allows a new account under the old names. Until then anyone who has the password of the old one can cancel the claim, and any device can delay it once. Then use recover."
	case now.Way == api.WayFile:
		return "Until then anyone who has the password can cancel the claim, and any device can delay it once. Then use recover -file FILE. A claim with a wrong name or file waits too, and then fails."
	}
	return "Until then anyone who has the password can cancel the claim, and any device can delay it once. Then use recover."
}

// claimOver returns an error for a claim that opens nothing any more.
func claimOver(now api.Claim) error {
	const again = " To begin again, use recover -drop first"
	switch now.State {
	case api.ClaimCancelled:
		return errors.New("somebody who has the password has cancelled the claim. " + blocked + again)
	case api.ClaimRefused:
		return errors.New("the operator has refused the claim, for this reason: " + strings.TrimSuffix(plain(now.Reason), ".") + "." + again)
	case api.ClaimDone:
		return errors.New("the claim was used, or the account was recovered in another way." + again)
	case api.ClaimFailed:
		if now.Way == api.WayContacts {
			return errors.New("the claim is too old: not enough contacts have given their shares, or it was not used in time." + again)
		}
		return errors.New("the claim opens nothing: the name or the file is wrong, or it was not used in time." + again)
	}
	return nil
}

// openClaim opens the account with a claim that is ready, and sets a password.
func (d *device) openClaim(ctx context.Context, way api.Way, file *recovery.File) error {
	if way == api.WayPassword {
		why, err := d.unlock(ctx)
		if err == nil && why != "" {
			err = needsServer(why)
		}
		if err != nil {
			return err
		}
	}
	err := d.OpenClaim(ctx, file)
	if errors.Is(err, recovery.ErrWrongSecret) {
		return errors.New("the file or the shares do not open the account: the file is not the one that the claim was begun with, or its slot was removed")
	}
	if err != nil {
		return err
	}
	return d.setPassword(ctx)
}
