package server

import "net/http"

// Route is a request that clients can make.
type Route struct {
	Method, Path string
	// Access is the session that the request needs: "anyone" for none, "half" for
	// one that waits for a code, "session" of the password, "writer" of the
	// password or an approved device, "device" of an approved device, "reset" of
	// the password or one that recovers the account, or "reader" for any other.
	Access string
	StepUp string // the operation that a step-up confirms, or ""
	In     any    // the zero message, or nil for a request without a body
	Out    any
}

// Routes returns all requests that clients can make.
func Routes() []Route {
	all := make([]Route, 0, len(routes))
	for _, r := range routes {
		one := Route{Method: r.method, Path: r.path, StepUp: r.stepUp, In: r.in, Out: r.out}
		one.Access = map[access]string{
			anyone: "anyone", halfway: "half", session: "session", writer: "writer", device: "device", reset: "reset", reader: "reader",
		}[r.access]
		if r.method == http.MethodGet || r.method == http.MethodDelete {
			one.In = nil
		}
		all = append(all, one)
	}
	return all
}
