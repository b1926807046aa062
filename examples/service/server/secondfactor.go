package server

import (
	"bytes"
	"crypto/rand"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// The number of backup codes, and their length in Crockford's base 32.
const (
	backupCodes      = 10
	backupCodeLength = 10
)

var errCodeWrong = errCode(api.WrongCode, "the code is wrong, or was used before")

// loginCode turns a half session into a full one.
func (s *Server) loginCode(c *call, in api.SecondFactor) (out api.LoggedIn, err error) {
	receipt, err := s.spendCode(c)
	if err != nil {
		return out, err
	}
	refused := error(nil)
	err = s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known || !bytes.Equal(digestOfRecord(account.Record), c.session.Record) {
			return errAuthentication
		}
		left, err := tx.Try(c, c.session.ID, halfSessionTries)
		if err != nil {
			return err
		}
		if !left {
			return errAuthentication
		}
		ok, err := s.useCode(c, tx, in.Code)
		if err != nil {
			return err
		}
		if !ok { // the try counts
			refused = errCodeWrong
			return tx.AddEvent(c, account.ID, s.event(c, "right password, wrong code"))
		}
		if err := tx.Refund(c, receipt); err != nil {
			return err
		}
		if err := tx.EndSession(c, account.ID, c.session.ID); err != nil {
			return err
		}
		full := c.session
		full.ID, full.Half, full.Tries = newID(), false, 0
		full.Created, full.Seen, full.CodeAt, full.Expires = c.now, c.now, c.now, c.now.Add(sessionTime)
		if full.Migration != nil {
			key, err := s.secrets.open(c, sealMigration, c.session.ID[:], full.Migration)
			if err != nil {
				return err
			}
			defer clear(key)
			if full.Migration, err = s.secrets.sealed(c, sealMigration, full.ID[:], key); err != nil {
				return err
			}
		}
		return s.open(c, tx, account, full, in.Cookie, &out)
	})
	if err == nil {
		err = refused
	}
	return out, err
}

// sessionCode notes that the user has sent a code.
func (s *Server) sessionCode(c *call, in api.SecondFactor) (api.Empty, error) {
	receipt, err := s.spendCode(c)
	if err != nil {
		return api.Empty{}, err
	}
	refused := error(nil)
	err = s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known {
			return store.ErrNotFound
		}
		ok, err := s.useCode(c, tx, in.Code)
		if err != nil {
			return err
		}
		if !ok {
			refused = errCodeWrong
			return tx.AddEvent(c, c.session.Account, s.event(c, "wrong code"))
		}
		if err := tx.Refund(c, receipt); err != nil {
			return err
		}
		return tx.SetCodeTime(c, c.session.ID, c.now)
	})
	if err == nil {
		err = refused
	}
	return api.Empty{}, err
}

// spendCode takes a try of a code, which a right code gives back. A known device
// has its own budget.
func (s *Server) spendCode(c *call) (store.Receipt, error) {
	of := append(c.session.Account[:], c.session.Device...)
	receipt, wait, err := s.db.Spend(c, budgetID("codes", of), s.Limits.Codes, c.now)
	if err == nil && wait > 0 {
		err = limitedFor(wait)
	}
	return receipt, err
}

// useCode reports whether a code is right, and uses it up.
func (s *Server) useCode(c *call, tx *store.Tx, code string) (bool, error) {
	account := c.session.Account
	totp, err := tx.TOTP(c, account)
	if err == store.ErrNotFound || err == nil && !totp.Confirmed {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	secret, err := s.secrets.open(c, sealTOTP, account[:], totp.Secret)
	if err != nil {
		return false, err
	}
	defer clear(secret)
	if step, ok := totpCheck(secret, withoutSpaces(code), c.now, totp.Step); ok {
		totp.Step = step
		return true, tx.SetTOTP(c, account, totp)
	}
	return tx.UseCode(c, account, s.backupCode(account, code))
}

// newTOTP stores a new secret, which counts after its first code.
func (s *Server) newTOTP(c *call, _ api.Empty) (out api.NewTOTP, err error) {
	secret := make([]byte, totpSecret)
	rand.Read(secret)
	defer clear(secret)
	err = s.stepped(c, func(tx *store.Tx, account store.Account) error {
		old, err := tx.TOTP(c, account.ID)
		if err != nil && err != store.ErrNotFound {
			return err
		}
		if old.Confirmed {
			return errCode(api.Conflict, "there is a second factor already: remove it first")
		}
		sealed, err := s.secrets.sealed(c, sealTOTP, account.ID[:], secret)
		if err != nil {
			return err
		}
		return tx.SetTOTP(c, account.ID, store.TOTP{Secret: sealed})
	})
	if err != nil {
		return out, err
	}
	names, err := s.namesOf(c, c.session.Account)
	if err != nil {
		return out, err
	}
	return api.NewTOTP{Secret: totpEncoding.EncodeToString(secret), URI: totpURI("Nescio", strings.Join(names, ", "), secret)}, nil
}

// confirmTOTP turns the second factor on, and returns the backup codes.
func (s *Server) confirmTOTP(c *call, in api.SecondFactor) (out api.BackupCodes, err error) {
	receipt, err := s.spendCode(c)
	if err != nil {
		return out, err
	}
	err = s.db.Tx(c, func(tx *store.Tx) error {
		if _, err := tx.LockAccount(c, c.session.Account); err != nil {
			return err
		}
		totp, err := tx.TOTP(c, c.session.Account)
		if err == store.ErrNotFound || err == nil && totp.Confirmed {
			return errCode(api.Conflict, "there is no new second factor to confirm")
		}
		if err != nil {
			return err
		}
		secret, err := s.secrets.open(c, sealTOTP, c.session.Account[:], totp.Secret)
		if err != nil {
			return err
		}
		defer clear(secret)
		step, ok := totpCheck(secret, withoutSpaces(in.Code), c.now, totp.Step)
		if !ok {
			return errCodeWrong
		}
		totp.Confirmed, totp.Step = true, step
		if err := tx.SetTOTP(c, c.session.Account, totp); err != nil {
			return err
		}
		if err := tx.Refund(c, receipt); err != nil {
			return err
		}
		if err := tx.SetCodeTime(c, c.session.ID, c.now); err != nil {
			return err
		}
		if err := tx.EndStepUps(c, c.session.Account); err != nil {
			return err
		}
		if out.Codes, err = s.storeCodes(c, tx); err != nil {
			return err
		}
		return tx.AddEvent(c, c.session.Account, s.notice(c, "second factor on"))
	})
	return out, err
}

func (s *Server) removeTOTP(c *call, _ api.Empty) (api.Empty, error) {
	return api.Empty{}, s.stepped(c, func(tx *store.Tx, account store.Account) error {
		if err := tx.RemoveTOTP(c, account.ID); err != nil {
			return err
		}
		return tx.AddEvent(c, account.ID, s.notice(c, "second factor off"))
	})
}

func (s *Server) newCodes(c *call, _ api.Empty) (out api.BackupCodes, err error) {
	err = s.stepped(c, func(tx *store.Tx, account store.Account) error {
		totp, err := tx.TOTP(c, account.ID)
		if err == store.ErrNotFound || err == nil && !totp.Confirmed {
			return errCode(api.Conflict, "there is no second factor")
		}
		if err != nil {
			return err
		}
		if out.Codes, err = s.storeCodes(c, tx); err != nil {
			return err
		}
		return tx.AddEvent(c, account.ID, s.event(c, "new backup codes"))
	})
	return out, err
}

// storeCodes draws backup codes of 50 bits. The database has their HMAC.
func (s *Server) storeCodes(c *call, tx *store.Tx) (codes []string, err error) {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var stored [][]byte
	for range backupCodes {
		code := make([]byte, backupCodeLength)
		rand.Read(code)
		for i, b := range code {
			code[i] = alphabet[b%32]
		}
		codes = append(codes, string(code[:5])+"-"+string(code[5:]))
		stored = append(stored, s.backupCode(c.session.Account, string(code)))
	}
	return codes, tx.SetCodes(c, c.session.Account, stored)
}

// withoutSpaces removes the spaces with which authenticators group digits.
func withoutSpaces(code string) string { return strings.ReplaceAll(code, " ", "") }

// backupCode returns what a typed backup code is stored as.
func (s *Server) backupCode(account store.ID, typed string) []byte {
	typed = strings.NewReplacer("-", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(withoutSpaces(typed)))
	return mac(s.secrets.codes, account[:], []byte(typed))
}
