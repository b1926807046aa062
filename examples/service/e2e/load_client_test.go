package e2e

import (
	"encoding/json"
	"errors"
	"syscall"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// loadHandshake is the client's half of a login. A client with a wrong password
// of OPAQUE notices it, and this one sends another login's last message.
type loadHandshake struct {
	opaque *opaque.Login
	srp    *srp.Login
	chosen interface{ Finish([]byte) ([]byte, error) }
}

func (h *loadHandshake) begin(l *loader, name, password, device string) ([]byte, error) {
	var in api.BeginLogin
	var err1, err2 error
	h.opaque, in.OPAQUE, err1 = l.opaque.Login(nil, []byte(password))
	h.srp, in.SRP, err2 = l.srp.Login(nil, []byte(password))
	in.Name, in.Device = name, device
	body, err3 := json.Marshal(in)
	return body, errors.Join(err1, err2, err3)
}

func (h *loadHandshake) respond(l *loader, answer []byte) ([]byte, error) {
	var begun api.Begun
	if err := json.Unmarshal(answer, &begun); err != nil {
		return nil, err
	}
	var final []byte
	var err error
	if begun.Response[0] == 'S' {
		h.chosen = h.srp
		l.old.Add(1)
		final, err = h.srp.Respond(l.Context(), begun.Response)
	} else {
		h.chosen = h.opaque
		final, err = h.opaque.Respond(l.Context(), begun.Response)
		if errors.Is(err, opaque.ErrAuthentication) {
			final, err = l.final, nil
		} else if l.final == nil {
			l.final = final
		}
	}
	body, err2 := json.Marshal(api.FinishLogin{Token: begun.Token, Final: final})
	return body, errors.Join(err, err2)
}

func (h *loadHandshake) finish(reply []byte) error {
	_, err := h.chosen.Finish(reply)
	return err
}

// cpuTime returns the CPU time that the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
