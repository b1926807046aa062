//go:build !js

package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// HTTP returns the Transport of a server such as https://example.org.
func HTTP(server string, via *http.Client) (Transport, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && isLocal(u.Hostname())) {
		return nil, errors.New("the server must be an https address, or on this computer")
	}
	if via == nil {
		bounded := http.DefaultTransport.(*http.Transport).Clone()
		bounded.ResponseHeaderTimeout = 15 * time.Second // the server works at most that long
		via = &http.Client{Transport: bounded, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return transport{u, via}, nil
}

func isLocal(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

type transport struct {
	server *url.URL
	via    *http.Client
}

const maxAnswer = 8 << 20

func (t transport) Do(ctx context.Context, r Request) (out Response, err error) {
	where, err := t.server.Parse(r.Path)
	if err != nil {
		return out, err
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, where.String(), bytes.NewReader(r.Body))
	if err != nil {
		return out, err
	}
	for name, value := range r.Header {
		request.Header.Set(name, value)
	}
	answer, err := t.via.Do(request)
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	out.Status = answer.StatusCode
	out.Body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return out, err
}
