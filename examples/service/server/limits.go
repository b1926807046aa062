package server

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"golang.org/x/time/rate"
)

// Limits bound tries. Those of accounts are in the database and count for the
// whole fleet. Those of addresses count for one server.
type Limits struct {
	Account store.Budget // logins of an account or an unknown name by strangers
	Device  store.Budget // logins of a device that has logged in before
	Session store.Budget // step-ups in a session
	Headers store.Budget // changes of the keyring; replaced headers are kept for a week
	Codes   store.Budget // codes of a second factor, for each device and the strangers
	Phrase  store.Budget // logins with the phrase of an account or an unknown name
	Claims  store.Budget // claims of an account or an unknown name, for each way and network; reviews of all names

	AllClaims store.Budget // claims of an account or an unknown name, for each way

	Requests Rate // of an address
	Logins   Rate // begun by an address, and registrations
	Taken    Rate // ends of registrations, which tell whether a name is taken
}

// Rate is a limit of an address.
type Rate struct {
	Burst int
	Every time.Duration // until the next try
}

// DefaultLimits returns the limits of the zero Limits.
func DefaultLimits() Limits {
	return Limits{
		Account: store.Budget{Burst: 10, Every: 2 * time.Minute},
		Device:  store.Budget{Burst: 20, Every: 30 * time.Second},
		Session: store.Budget{Burst: 20, Every: 30 * time.Second},
		Headers: store.Budget{Burst: 40, Every: 30 * time.Minute},
		Codes:   store.Budget{Burst: 10, Every: 10 * time.Minute},
		Phrase:  store.Budget{Burst: 10, Every: 2 * time.Minute},
		Claims:  store.Budget{Burst: 20, Every: 30 * time.Minute},

		AllClaims: store.Budget{Burst: 300, Every: 5 * time.Minute},

		Requests: Rate{Burst: 400, Every: 20 * time.Millisecond},
		Logins:   Rate{Burst: 60, Every: time.Second},
		Taken:    Rate{Burst: 10, Every: time.Minute},
	}
}

func (l Limits) complete() Limits {
	d := DefaultLimits()
	for value, standard := range map[*store.Budget]store.Budget{
		&l.Account: d.Account, &l.Device: d.Device, &l.Session: d.Session, &l.Headers: d.Headers, &l.Codes: d.Codes,
		&l.Phrase: d.Phrase, &l.Claims: d.Claims, &l.AllClaims: d.AllClaims,
	} {
		if *value == (store.Budget{}) {
			*value = standard
		}
	}
	for value, standard := range map[*Rate]Rate{&l.Requests: d.Requests, &l.Logins: d.Logins, &l.Taken: d.Taken} {
		if *value == (Rate{}) {
			*value = standard
		}
	}
	return l
}

// budgetID names a budget in the database.
func budgetID(kind string, of []byte) []byte {
	d := sha256.Sum256(append([]byte("service.nescio/budget/"+kind+"\x00"), of...))
	return d[:16]
}

// addresses are the limits of addresses. It remembers a bounded number of them.
type addresses struct {
	limits [3]Rate
	mu     sync.Mutex
	known  map[netip.Prefix]*address
	swept  time.Time
}

type address struct {
	limiters [3]*rate.Limiter
	seen     time.Time
}

const (
	limitRequests = iota
	limitLogins
	limitTaken
)

const maxAddresses = 100_000

func newAddresses(l Limits) *addresses {
	return &addresses{limits: [3]Rate{l.Requests, l.Logins, l.Taken}, known: make(map[netip.Prefix]*address)}
}

// spend takes a try from an address. If none is left, it returns how long to
// wait.
func (a *addresses) spend(of netip.Addr, limit int, now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := network(of)
	known := a.known[key]
	if known == nil {
		if len(a.known) >= maxAddresses {
			a.makeRoom(now)
		}
		known = new(address)
		for i, r := range a.limits {
			known.limiters[i] = rate.NewLimiter(rate.Every(r.Every), r.Burst)
		}
		a.known[key] = known
	}
	known.seen = now
	r := known.limiters[limit].ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// sweep forgets addresses that have regained everything.
func (a *addresses) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(now)
}

func (a *addresses) forget(now time.Time) {
	for key, known := range a.known {
		full := true
		for i, l := range known.limiters {
			full = full && l.TokensAt(now) >= float64(a.limits[i].Burst)
		}
		if full {
			delete(a.known, key)
		}
	}
}

// makeRoom forgets some addresses. If too many strangers come at once, some of
// them get a new start.
func (a *addresses) makeRoom(now time.Time) {
	if now.Sub(a.swept) > time.Second { // it takes milliseconds
		a.swept = now
		a.forget(now)
	}
	for key := range a.known {
		if len(a.known) <= maxAddresses-1000 {
			break
		}
		delete(a.known, key)
	}
}

// network returns what one stranger has: an IPv4 address, or 64 bits of IPv6.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// shortened returns an address for events, without what identifies one person.
func shortened(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// addressOf returns the address of a client. Behind trusted proxies it is the
// last address in X-Forwarded-For that no trusted proxy has.
func (s *Server) addressOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	a := ap.Addr().Unmap()
	var hops []string
	for _, h := range r.Header.Values("X-Forwarded-For") {
		hops = append(hops, strings.Split(h, ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		if !s.trusted(a) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		a = next.Unmap()
	}
	return a
}

func (s *Server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
