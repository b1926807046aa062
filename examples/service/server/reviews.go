package server

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// Reviews is the operator's queue of claims. It is safe for concurrent use.
type Reviews struct {
	s    *Server
	wait time.Duration
}

// OpenReviews opens the queue in a database. An approved claim waits for
// objections. If wait is zero, it is DefaultClaimWait. If now is nil, the clock is
// the database's.
func OpenReviews(ctx context.Context, db *store.DB, keys *keyfile.Keys, wait time.Duration, now func() time.Time) (*Reviews, error) {
	secrets, err := deriveSecrets(keys)
	if err != nil {
		return nil, err
	}
	if err := checkSecrets(ctx, db, secrets, false); err != nil {
		return nil, err
	}
	s := &Server{Config: Config{Now: now}, db: db, secrets: secrets}
	if wait == 0 {
		wait = DefaultClaimWait
	}
	return &Reviews{s, wait}, nil
}

// Review is a claim that waits for the operator.
type Review struct {
	ID      api.ID
	Way     api.Way
	Names   []string // of the account
	Known   bool     // false if no account has the name that was claimed
	Text    string   // of the claimant, not to be trusted
	Begun   time.Time
	Ends    time.Time // the claim lapses
	Address string    // shortened
}

// Evidence is what the operator knows about a claim and its account.
type Evidence struct {
	Review
	Created time.Time     // of the account
	Notes   []ReviewNote  // of the operator
	Claims  []ReviewClaim // all of the account, the newest first
	Events  []store.Event // of the account, the newest first
}

// ReviewNote is a note of the operator.
type ReviewNote struct {
	Time time.Time
	Text string
}

// ReviewClaim is a claim of the account.
type ReviewClaim struct {
	ID    api.ID
	Way   api.Way
	State api.ClaimState
	Begun time.Time
}

// Errors of reviews.
var (
	ErrNoReview = errors.New("no such claim waits for a review")
	ErrUnknown  = errors.New("no account has the name that was claimed, or it is a former account: the claim can only be refused")
	ErrText     = fmt.Errorf("a text has 1 to %d bytes of UTF-8", api.MaxText)
)

// List returns the claims that wait for the operator, the newest first.
func (r *Reviews) List(ctx context.Context) (all []Review, err error) {
	now, err := r.now(ctx, r.s.db)
	if err != nil {
		return nil, err
	}
	claims, err := r.s.db.ClaimsIn(ctx, string(api.ClaimReview), now)
	for _, claim := range claims {
		one, err := r.review(ctx, claim)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, err
}

func (r *Reviews) now(ctx context.Context, of clock) (time.Time, error) {
	if r.s.Now != nil {
		return r.s.now(), nil
	}
	return of.Time(ctx)
}

func (r *Reviews) review(ctx context.Context, claim store.Claim) (out Review, err error) {
	account, err := r.s.db.Account(ctx, claim.Account)
	if err != nil {
		return out, err
	}
	out = Review{ID: api.ID(claim.ID), Way: api.Way(claim.Way), Known: account.Known, Begun: claim.Begun, Ends: claim.Ends, Address: claim.Address}
	if out.Names, err = r.s.namesOf(ctx, claim.Account); err != nil || claim.Text == nil {
		return out, err
	}
	text, err := r.s.secrets.open(ctx, sealText, claim.ID[:], claim.Text)
	out.Text = string(text)
	return out, err
}

// Show returns the evidence about a claim.
func (r *Reviews) Show(ctx context.Context, id api.ID) (out Evidence, err error) {
	claim, now, err := r.waiting(ctx, r.s.db, id)
	if err != nil {
		return out, err
	}
	if out.Review, err = r.review(ctx, claim); err != nil {
		return out, err
	}
	notes, err := r.s.db.Notes(ctx, claim.ID)
	if err != nil {
		return out, err
	}
	for _, n := range notes {
		text, err := r.s.secrets.open(ctx, sealNote, claim.ID[:], n.Note)
		if err != nil {
			return out, err
		}
		out.Notes = append(out.Notes, ReviewNote{n.Time, string(text)})
	}
	if !out.Known {
		return out, nil
	}
	summary, err := r.s.db.Summary(ctx, claim.Account)
	if err != nil {
		return out, err
	}
	out.Created = summary.Created
	claims, err := r.s.db.Claims(ctx, claim.Account, now)
	if err != nil {
		return out, err
	}
	for _, other := range claims {
		out.Claims = append(out.Claims, ReviewClaim{api.ID(other.ID), api.Way(other.Way), stateOf(other, now), other.Begun})
	}
	out.Events, err = r.s.db.Events(ctx, claim.Account, now.Add(time.Second), store.ID{}, maxEvents)
	return out, err
}

// waiting returns a claim that waits for the operator.
func (r *Reviews) waiting(ctx context.Context, from interface {
	clock
	Claim(context.Context, store.ID) (store.Claim, error)
}, id api.ID) (claim store.Claim, now time.Time, err error) {
	if now, err = r.now(ctx, from); err != nil {
		return claim, now, err
	}
	claim, err = from.Claim(ctx, store.ID(id))
	if err == store.ErrNotFound || err == nil && stateOf(claim, now) != api.ClaimReview {
		err = ErrNoReview
	}
	return claim, now, err
}

// Note stores a note about a claim, such as how somebody has proved who they are.
func (r *Reviews) Note(ctx context.Context, id api.ID, text string) error {
	return r.change(ctx, id, text, func(tx *store.Tx, claim store.Claim, _ bool, now time.Time) error {
		note, err := r.s.secrets.sealed(ctx, sealNote, claim.ID[:], []byte(text))
		if err != nil {
			return err
		}
		return tx.AddNote(ctx, store.Note{Claim: claim.ID, Time: now, Note: note, Expires: claim.Ends.Add(historyTime)})
	})
}

// Approve allows a new account under the names of the old one, after a wait for
// objections. The claimant sees the reason.
func (r *Reviews) Approve(ctx context.Context, id api.ID, reason string) error {
	return r.change(ctx, id, reason, func(tx *store.Tx, claim store.Claim, known bool, now time.Time) (err error) {
		names, err := tx.Names(ctx, claim.Account)
		if err != nil {
			return err
		}
		if !known || len(names) == 0 {
			return ErrUnknown
		}
		if claim.Reason, err = r.s.secrets.sealed(ctx, sealReason, claim.ID[:], []byte(reason)); err != nil {
			return err
		}
		claim.Fresh, claim.Opens = true, now.Add(r.wait)
		until(&claim, api.ClaimWaiting, claim.Opens.Add(claimTime))
		if err := tx.SetClaim(ctx, claim); err != nil {
			return err
		}
		return tx.AddEvent(ctx, claim.Account, store.Event{
			Time: now, Kind: "claim approved by the operator: " + claim.Way, Notice: true, Expires: now.Add(eventTime),
		})
	})
}

// Refuse ends a claim. The claimant sees the reason.
func (r *Reviews) Refuse(ctx context.Context, id api.ID, reason string) error {
	return r.change(ctx, id, reason, func(tx *store.Tx, claim store.Claim, _ bool, now time.Time) (err error) {
		if claim.Reason, err = r.s.secrets.sealed(ctx, sealReason, claim.ID[:], []byte(reason)); err != nil {
			return err
		}
		seen := told(claim)
		until(&claim, api.ClaimRefused, now)
		if err := tx.SetClaim(ctx, claim); err != nil || !seen {
			return err
		}
		return tx.AddEvent(ctx, claim.Account, store.Event{
			Time: now, Kind: "claim refused by the operator: " + claim.Way, Notice: true, Expires: now.Add(eventTime),
		})
	})
}

// change runs f on a claim that waits for the operator. The account is locked.
func (r *Reviews) change(ctx context.Context, id api.ID, text string, f func(tx *store.Tx, claim store.Claim, known bool, now time.Time) error) error {
	if text == "" || len(text) > api.MaxText || !utf8.ValidString(text) {
		return ErrText
	}
	found, _, err := r.waiting(ctx, r.s.db, id)
	if err != nil {
		return err
	}
	return r.s.db.Tx(ctx, func(tx *store.Tx) error {
		account, err := tx.LockAccount(ctx, found.Account)
		if err != nil {
			return err
		}
		claim, now, err := r.waiting(ctx, tx, id)
		if err != nil {
			return err
		}
		return f(tx, claim, account.Known, now)
	})
}
