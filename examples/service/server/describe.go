package server

import "net/http"

// Route is a request that clients can make.
type Route struct {
	Method, Path string
	Access       string // "anyone", "half" for a session that waits for a code, or the least one of README.md
	StepUp       string // the operation that a step-up confirms, or ""
	In           any    // the zero message, or nil for a request without a body
	Out          any
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
