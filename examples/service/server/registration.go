package server

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf/prepare"
)

// register draws the id of a new account. The token says which, so that nothing
// is stored before the end.
func (s *Server) register(c *call, in api.Requests) (api.Begun, error) {
	if err := both(in); err != nil {
		return api.Begun{}, err
	}
	id := newID()
	response, err := s.beginRegistration(c, id, nil, in.OPAQUE, in.SRP)
	if err != nil {
		return api.Begun{}, err
	}
	token, err := s.registrationToken(c, id)
	return api.Begun{Token: token, Response: response}, err
}

// registrationToken seals an id and the time until which it can be registered.
func (s *Server) registrationToken(c *call, id store.ID) (string, error) {
	value := binary.BigEndian.AppendUint64(id[:], uint64(c.now.Add(registrationTime).UnixMilli()))
	sealed, err := s.secrets.sealed(c, sealRegistration, nil, value)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

func (s *Server) readRegistrationToken(c *call, token string) (id store.ID, err error) {
	late := errCode(api.LoginFailed, "the registration took too long: begin again")
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return id, late
	}
	value, err := s.secrets.open(c, sealRegistration, nil, sealed)
	if err != nil || len(value) != 24 || c.now.After(time.UnixMilli(int64(binary.BigEndian.Uint64(value[16:])))) {
		return id, late
	}
	return store.ID(value[:16]), nil
}

// finishRegister makes an account. This is the only answer that tells whether a
// name is taken, and it is limited by address.
func (s *Server) finishRegister(c *call, in api.FinishRegistration) (api.Empty, error) {
	id, err := s.readRegistrationToken(c, in.Token)
	if err != nil {
		return api.Empty{}, err
	}
	names, err := s.names(c, in.Names)
	if err != nil {
		return api.Empty{}, err
	}
	record, err := s.finishRegistration(nil, in.Upload)
	if err != nil {
		return api.Empty{}, err
	}
	taken := errCode(api.Taken, "a name is taken")
	err = s.db.Tx(c, func(tx *store.Tx) error {
		ok, err := tx.Insert(c, store.Account{ID: id, Record: record}, names, c.now)
		if err == nil && !ok {
			err = taken
		}
		if err == nil {
			err = s.noteKind(c, tx, record)
		}
		return err
	})
	return api.Empty{}, err
}

// names prepares and seals the names of a new account.
func (s *Server) names(c *call, typed []string) (names []store.Name, err error) {
	if len(typed) == 0 || len(typed) > api.MaxNames {
		return nil, errCode(api.Malformed, "an account has 1 to 4 names")
	}
	prepared := make([]string, len(typed))
	for i, name := range typed {
		if prepared[i], err = prepare.Username(name); err != nil {
			return nil, errCode(api.Malformed, "a name is not valid")
		}
	}
	slices.Sort(prepared) // a fixed order of locks
	if len(slices.Compact(slices.Clone(prepared))) != len(prepared) {
		return nil, errCode(api.Malformed, "a name occurs twice")
	}
	for _, name := range prepared {
		key := s.secrets.name(name)
		sealed, err := s.secrets.sealed(c, sealName, key, []byte(name))
		if err != nil {
			return nil, err
		}
		names = append(names, store.Name{Key: key, Sealed: sealed})
	}
	return names, nil
}
