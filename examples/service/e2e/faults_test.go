package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/stretchr/testify/require"
)

var errNetwork = errors.New("the network is down")

// faults is a Transport that loses requests or answers, or changes answers.
type faults struct {
	client.Transport
	mu       sync.Mutex
	sent     int
	stopAt   int  // the number of the last request, from 1; 0 for none
	answered bool // the server gets the last request
	change   func(client.Request, *client.Response)
}

func (f *faults) Do(ctx context.Context, r client.Request) (client.Response, error) {
	f.mu.Lock()
	f.sent++
	stop := f.stopAt > 0 && f.sent >= f.stopAt
	lost := stop && (f.sent > f.stopAt || !f.answered)
	change := f.change
	f.mu.Unlock()
	if lost {
		return client.Response{}, errNetwork
	}
	out, err := f.Transport.Do(ctx, r)
	if stop {
		return client.Response{}, errNetwork
	}
	if change != nil && err == nil {
		change(r, &out)
	}
	return out, err
}

// faulty returns the device after a restart of its program, with faults.
func (d *device) faulty() (*device, *faults) {
	f := new(faults)
	again := d.w.deviceWith(d.store, func(c *client.Config) {
		f.Transport = c.Transport
		c.Transport = f
	})
	return again, f
}

// serveHeader makes the server answer with another header.
func (f *faults) serveHeader(header []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = func(r client.Request, out *client.Response) {
		if r.Method == "GET" && r.Path == "/v1/keyring" {
			out.Body, _ = json.Marshal(api.Keyring{Header: header})
		}
	}
	if header == nil {
		f.change = nil
	}
}

// stoppedAnywhere runs an operation that stops after each of its requests, once
// before the server has got the request and once after it, until it runs
// through. Each try has a world of its own in what prepare returns.
func stoppedAnywhere(w *world, prepare func(try int) *device, operation func(*device) error, check func(d *device, err error)) {
	for n := 1; ; n++ {
		for _, answered := range []bool{false, true} {
			d, f := prepare(2*n + map[bool]int{true: 1}[answered]).faulty()
			f.stopAt, f.answered = n, answered
			err := operation(d)
			f.mu.Lock()
			through := f.sent < n
			f.mu.Unlock()
			if through {
				require.NoError(w, err)
				require.Greater(w, n, 2)
				return
			}
			check(d, err)
		}
	}
}
