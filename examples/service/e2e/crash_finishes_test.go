package e2e

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// finishes is the balancer's way to the servers. It counts how often each last
// message of a login or step-up is accepted, and sends some twice at once.
type finishes struct {
	t      *testing.T
	choose func() *url.URL
	mu     sync.Mutex
	known  map[string]*finish
	again  int         // messages that were sent another time
	calm   atomic.Bool // no more answers get lost
}

// finish is a last message.
type finish struct {
	request  *http.Request
	body     []byte
	accepted int
	answered bool // or the answer was lost
	sent     time.Time
}

var crashRoutes = new(http.Transport)

func (f *finishes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != "POST" || !strings.HasSuffix(r.URL.Path, "/login/finish") && !strings.HasSuffix(r.URL.Path, "/step-up/finish") {
		return f.sometimesLost(crashRoutes.RoundTrip(r))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	one := f.known[string(body)]
	if one == nil {
		one = &finish{request: r.Clone(context.Background()), body: body, sent: time.Now()}
		f.known[string(body)] = one
	}
	f.mu.Unlock()
	var twin sync.WaitGroup
	var other *http.Response
	twice := rand.IntN(4) == 0
	if twice {
		twin.Go(func() { other = f.repeat(one) })
	}
	answer, err := f.send(one, r.WithContext(context.Background()))
	twin.Wait()
	f.mu.Lock()
	one.answered = true
	f.mu.Unlock()
	if twice && (other == nil || other.StatusCode != 401) && (err != nil || answer.StatusCode != 200) {
		if answer = other; other == nil {
			return nil, errNetwork
		}
		err = nil // the client needs the answer of the one that was first
	}
	return f.sometimesLost(answer, err)
}

// sometimesLost loses an answer now and then.
func (f *finishes) sometimesLost(answer *http.Response, err error) (*http.Response, error) {
	if err == nil && !f.calm.Load() && rand.IntN(100) == 0 {
		answer.Body.Close()
		return nil, errNetwork
	}
	return answer, err
}

// send sends a last message to the server in r. A second success fails the test.
func (f *finishes) send(one *finish, r *http.Request) (*http.Response, error) {
	r.Body = io.NopCloser(bytes.NewReader(one.body))
	answer, err := crashRoutes.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	if answer.StatusCode == 200 {
		if one.accepted++; one.accepted > 1 {
			f.t.Errorf("a last message was accepted %d times: %s", one.accepted, r.URL.Path)
		}
	}
	return answer, err
}

// repeat sends a last message another time, to a random server. Without an
// answer it returns nil.
func (f *finishes) repeat(one *finish) *http.Response {
	r := one.request.Clone(context.Background())
	r.URL.Host = f.choose().Host
	f.mu.Lock()
	f.again++
	f.mu.Unlock()
	answer, err := f.send(one, r)
	if err != nil {
		return nil
	}
	return answer
}

// repeatSome repeats random messages until the test ends.
func (f *finishes) repeatSome(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
		for _, one := range f.recent(1) {
			f.repeat(one)
		}
	}
}

// recent returns random messages that were answered, or whose answer was lost,
// and whose logins have not expired.
func (f *finishes) recent(count int) (some []*finish) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.known { // in random order
		if len(some) < count && one.answered && time.Since(one.sent) < 50*time.Second {
			some = append(some, one)
		}
	}
	return some
}
