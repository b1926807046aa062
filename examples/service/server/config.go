// Package server is the service: HTTP handlers over package store. It knows no
// password, no key and no data of its users.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
)

// What a server offers new accounts.
const (
	OfferOPAQUE = "opaque"
	OfferProton = "proton"
)

// Defaults of Config.
const (
	DefaultIdentity  = "nescio/examples/service"
	DefaultClaimWait = 24 * time.Hour
)

// Config configures New. Servers that share a database have the same values,
// except for Log and the addresses that they trust.
type Config struct {
	DB   *store.DB
	Keys *keyfile.Keys // a decoy key, a database key and setups

	// Offer is OfferOPAQUE, which moves accounts of SRP to OPAQUE, or
	// OfferProton. If empty, it is OfferOPAQUE.
	Offer string
	// Pool contains the moduli of accounts with profile proton-4. It is
	// required for OfferProton and while such accounts exist.
	Pool *moduli.Pool
	// Setup is the number of the setup of new accounts. It may be 0 if there is
	// only one.
	Setup uint16
	// KSF is the cost of logins with OPAQUE. If zero, it is kdf.Default.
	KSF kdf.Params

	// Identity names the application and its table of accounts. Clients have
	// the same. If empty, it is DefaultIdentity.
	Identity string

	// TrustedProxies are the networks whose X-Forwarded-For counts.
	TrustedProxies []netip.Prefix

	// ClaimWait is how long a claim waits for objections. If zero, it is
	// DefaultClaimWait.
	ClaimWait time.Duration
	// Notifier tells users what has happened. If nil, the log does.
	Notifier Notifier

	Limits Limits
	Log    *slog.Logger     // if nil, nothing is logged
	Now    func() time.Time // if nil, time.Now
}

// Times that no configuration changes.
const (
	requestTime      = 20 * time.Second
	registrationTime = 10 * time.Minute // from the first message to the last
	halfSessionTime  = 5 * time.Minute
	stepUpTime       = 5 * time.Minute     // from a step-up to its request
	freshTime        = 10 * time.Minute    // after a login, for headers; after a code, for step-ups
	sessionTime      = 30 * 24 * time.Hour // after its last use
	longestSession   = 365 * 24 * time.Hour
	deviceTime       = 180 * 24 * time.Hour // after its last login
	eventTime        = 90 * 24 * time.Hour
	recoveredTime    = time.Hour           // of a session that recovers the account
	joinTime         = 10 * time.Minute    // for the approval of a new device
	askTime          = 72 * time.Hour      // for the answers of contacts
	reviewTime       = 30 * 24 * time.Hour // for the operator's decision
	claimTime        = 7 * 24 * time.Hour  // to use a claim that is ready
	historyTime      = 30 * 24 * time.Hour // in which earlier claims count
	oldHeaderTime    = 7 * 24 * time.Hour
	seenStep         = time.Minute // of a session's last use
	pollTime         = time.Minute // of what other servers have changed
	stateKeyTime     = 24 * time.Hour
	halfSessionTries = 5
)

// Server is the service. Its handler is safe for concurrent use.
type Server struct {
	Config
	db         *store.DB
	secrets    *secrets
	protocols  atomic.Pointer[protocols]
	knownKinds [][]byte // a record of each; only New and Run use it
	addresses  *addresses
	metrics    *metrics
	ready      atomic.Bool
	realClock  bool // not a test\'s
}

// New checks the secrets and the configuration against the database, which it
// brings up to date. The database must have been initialized with Init.
func New(ctx context.Context, c Config) (*Server, error) {
	if c.Offer == "" {
		c.Offer = OfferOPAQUE
	}
	if c.Identity == "" {
		c.Identity = DefaultIdentity
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.ClaimWait == 0 {
		c.ClaimWait = DefaultClaimWait
	}
	if c.Notifier == nil {
		c.Notifier = logNotifier{c.Log}
	}
	realClock := c.Now == nil
	if realClock {
		c.Now = time.Now
	}
	c.Limits = c.Limits.complete()
	if c.Offer != OfferOPAQUE && c.Offer != OfferProton {
		return nil, fmt.Errorf("the offer must be %s or %s", OfferOPAQUE, OfferProton)
	}
	if c.Offer == OfferProton && c.Pool == nil {
		return nil, errors.New("an offer of proton needs a pool of moduli")
	}
	if c.DB == nil || c.Keys == nil {
		return nil, errors.New("a database and its secrets are required")
	}
	if c.Setup == 0 && len(c.Keys.Setups) == 1 {
		c.Setup = c.Keys.SetupNumbers()[0]
	}
	if c.Keys.Setups[c.Setup] == nil {
		return nil, fmt.Errorf("there is no setup %d: name the setup of new accounts", c.Setup)
	}
	secrets, err := deriveSecrets(c.Keys)
	if err != nil {
		return nil, err
	}
	s := &Server{Config: c, db: c.DB, secrets: secrets, addresses: newAddresses(c.Limits), realClock: realClock}
	s.metrics = newMetrics()
	if err := s.db.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := checkSecrets(ctx, s.db, s.secrets, false); err != nil {
		return nil, err
	}
	if err := checkIdentity(ctx, s.db, s.Identity); err != nil {
		return nil, err
	}
	if err := s.checkClock(ctx); err != nil {
		return nil, err
	}
	if err := s.prepareFleet(ctx); err != nil {
		return nil, err
	}
	if err := s.poll(ctx); err != nil {
		return nil, err
	}
	if err := s.checkRecords(ctx); err != nil {
		return nil, err
	}
	s.ready.Store(true)
	return s, nil
}

// Init prepares an empty database for these secrets.
func Init(ctx context.Context, db *store.DB, keys *keyfile.Keys) error {
	secrets, err := deriveSecrets(keys)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	return checkSecrets(ctx, db, secrets, true)
}

// Handler returns the handler of all requests of clients.
func (s *Server) Handler() http.Handler { return s.handler() }

// now is the time of a request. Times in the database are in milliseconds.
func (s *Server) now() time.Time { return s.Now().Truncate(time.Millisecond) }

// HTTP returns a server with bounds on the time and size of requests.
func HTTP(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}
