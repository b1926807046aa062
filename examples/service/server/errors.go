package server

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// status is the HTTP status of a code.
var status = map[api.Code]int{
	api.Malformed: http.StatusBadRequest, api.Unauthenticated: http.StatusUnauthorized,
	api.LoginFailed: http.StatusUnauthorized, api.WrongCode: http.StatusUnauthorized,
	api.CodeRequired: http.StatusForbidden, api.LoginRequired: http.StatusForbidden, api.StepUpRequired: http.StatusForbidden,
	api.CrossOrigin: http.StatusForbidden, api.NotAllowed: http.StatusForbidden,
	api.NotFound: http.StatusNotFound, api.MethodNotAllowed: http.StatusMethodNotAllowed,
	api.Taken: http.StatusConflict, api.Conflict: http.StatusConflict, api.OldEpoch: http.StatusConflict,
	api.TooLarge: http.StatusRequestEntityTooLarge, api.MediaType: http.StatusUnsupportedMediaType,
	api.Full: http.StatusInsufficientStorage, api.RateLimited: http.StatusTooManyRequests,
	api.Internal: http.StatusInternalServerError, api.Busy: http.StatusServiceUnavailable,
}

func errCode(code api.Code, message string) *api.Error {
	return &api.Error{Code: code, Message: message}
}

func limitedFor(wait time.Duration) *api.Error {
	e := errCode(api.RateLimited, "too many tries: wait before the next one")
	e.RetryAfter = int(math.Ceil(wait.Seconds()))
	return e
}

// errAuthentication is the answer to every failed login, known name or not.
var errAuthentication = errCode(api.LoginFailed, "the login failed")

// errorOf maps an error to an answer. What is not the client's fault is logged.
func (s *Server) errorOf(c *call, err error) *api.Error {
	var known *api.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, opaque.ErrAuthentication), errors.Is(err, opaque.ErrState):
		return errAuthentication
	case errors.Is(err, opaque.ErrMalformed), errors.Is(err, opaque.ErrPolicy), errors.Is(err, recovery.ErrMalformed):
		return errCode(api.Malformed, "a message is not valid")
	case errors.Is(err, store.ErrNotFound): // it was there when the request began
		return errCode(api.Unauthenticated, "the session has ended: log in")
	case errors.Is(err, opaque.ErrBusy), c.Err() != nil:
		return errCode(api.Busy, "the service is busy: try again")
	}
	s.Log.Error("a request failed", "route", c.r.Pattern, "error", err)
	return errCode(api.Internal, "the service could not answer: try again")
}

func write(w http.ResponseWriter, status int, out any) {
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // messages are plain values
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

func fail(w http.ResponseWriter, e *api.Error) {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	write(w, status[e.Code], e)
}
