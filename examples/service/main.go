// Service is an account service that knows nothing of its users: no password, no
// key and no data.
//
//	go run -C examples/service .
//
// Without flags it keeps SQLite and its secrets in ./nescio-data, and serves
// http://localhost:8080. With -db postgres://… any number of servers share one
// database. README.md explains how to run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
)

var program *cli.Program

func init() {
	program = &cli.Program{
		Name:    "service",
		Path:    "-C examples/service .",
		Summary: "Service is an account service that knows nothing of its users.",
		Commands: []cli.Command{
			{Name: "serve", Purpose: "answer requests (also without a command)", Run: serve},
			{Name: "init", Purpose: "make the secrets of a PostgreSQL database, once", Run: initialize},
			{Name: "weight", Purpose: "show or raise the shares of kinds among unknown names", Run: weight},
			{Name: "reviews", Purpose: "decide about claims of accounts whose owners have lost everything", Run: reviews},
			{Name: "backup", Purpose: "copy the SQLite database while servers use it", Run: backup},
			{Name: "restored", Purpose: "prepare a database after a backup was put back", Run: restored},
			{Name: "rotate", Purpose: "replace all state keys at once, after a leak", Run: rotate},
		},
	}
}

func main() {
	if len(os.Args) == 1 || strings.HasPrefix(os.Args[1], "-") && !help(os.Args[1]) {
		os.Args = append([]string{os.Args[0], "serve"}, os.Args[1:]...)
	}
	program.Main()
}

func help(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

const serveUsage = `
[flags]

Answers requests until it gets a signal, and then finishes those in progress.

Without -db it keeps SQLite in the folder nescio-data, with the secrets in the
file secrets.key beside it. It makes both at the first start. With a PostgreSQL
database it needs the secrets that the command init has made.

The metrics are for Prometheus. Their address must not be reachable from
outside.
`

// options are the flags of serve.
type options struct {
	database, folder, secrets, offer, pool, listen, metrics, identity, proxies string
	setup                                                                      uint
	claimWait                                                                  time.Duration
}

func serve(ctx context.Context, args []string, out, errOut io.Writer) error {
	var o options
	f := program.Flags("serve", serveUsage)
	f.StringVar(&o.database, "db", "", "`address` of PostgreSQL, as postgres://user@host/name (default SQLite in the folder)")
	f.StringVar(&o.folder, "folder", "nescio-data", "`folder` of SQLite and its secrets")
	f.StringVar(&o.secrets, "secrets", "", "`file` of the secrets (default secrets.key in the folder)")
	f.StringVar(&o.offer, "offer", server.OfferOPAQUE, "`protocol` of new passwords: opaque, which also moves accounts of SRP, or proton")
	f.StringVar(&o.pool, "pool", "", "`file` with signed moduli, for accounts with Proton's protocol")
	f.UintVar(&o.setup, "setup", 0, "`number` of the OPAQUE setup of new accounts (default the only one)")
	f.StringVar(&o.listen, "listen", "localhost:8080", "`address` to serve")
	f.StringVar(&o.metrics, "metrics", "", "local `address` to serve metrics at, such as localhost:9090 (default none)")
	f.StringVar(&o.identity, "identity", server.DefaultIdentity, "`name` of the application and its accounts, which clients have too")
	f.DurationVar(&o.claimWait, "claim-wait", server.DefaultClaimWait, "`time` in which the owner can object to a claim of the account")
	f.StringVar(&o.proxies, "trusted-proxies", "", "`networks` whose X-Forwarded-For counts, with commas between them, such as 10.0.0.0/8")
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return cli.Misuse(f, "%s: there are no arguments", f.Arg(0))
	}
	if o.database == "" && o.secrets == "" {
		o.secrets = filepath.Join(o.folder, "secrets.key")
	}
	if o.secrets == "" {
		return cli.Misuse(f, "-secrets FILE is missing: the command init makes it")
	}
	if o.setup > 65535 {
		return cli.Misuse(f, "-setup must be at most 65535")
	}
	if o.claimWait <= 0 {
		return cli.Misuse(f, "-claim-wait must be more than 0")
	}
	proxies, err := parseNetworks(o.proxies)
	if err != nil {
		return cli.Misuse(f, "-trusted-proxies: %s", err)
	}
	db, keys, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer db.Close()
	config := server.Config{
		DB: db, Keys: keys, Offer: o.offer, Setup: uint16(o.setup), Identity: o.identity, TrustedProxies: proxies,
		ClaimWait: o.claimWait,
		Log:       slog.New(slog.NewJSONHandler(errOut, nil)),
	}
	if config.Pool, err = readPool(o.pool); err != nil {
		return err
	}
	s, err := server.New(ctx, config)
	if err != nil {
		return err
	}
	return run(ctx, s, o, out)
}

// open opens the database and its secrets. An embedded database and its secrets
// are made at the first start, which may stop anywhere.
func open(ctx context.Context, o options) (*store.DB, *keyfile.Keys, error) {
	where, embedded := o.database, o.database == ""
	if embedded {
		where = filepath.Join(o.folder, "nescio.db")
		if err := os.MkdirAll(o.folder, 0o700); err != nil {
			return nil, nil, err
		}
	}
	keys, err := keyfile.Load(ctx, o.secrets, nil)
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := os.Stat(where); !embedded || there == nil {
			return nil, nil, fmt.Errorf("the secrets of the database are missing: %s", o.secrets)
		}
		keys, err = makeSecrets(o.secrets)
	}
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, where)
	if err != nil || !embedded {
		return db, keys, err
	}
	if err := server.Init(ctx, db, keys); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, keys, nil
}

// makeSecrets makes a decoy key, a database key and a setup in a new file.
func makeSecrets(file string) (*keyfile.Keys, error) {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	if err != nil {
		return nil, err
	}
	keys := keyfile.NewDecoyKey()
	for _, more := range []*keyfile.Keys{keyfile.NewDatabaseKey(), {Setups: map[uint16]*opaque.Setup{1: setup}}} {
		if err := keys.Add(more); err != nil {
			return nil, err
		}
	}
	text, err := keys.Text()
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return keys, cli.Create(file, text, 0o600)
}

func readPool(file string) (*moduli.Pool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := cli.Read(file, 64<<20)
	if err != nil {
		return nil, err
	}
	return moduli.ParsePool(string(text))
}

func parseNetworks(text string) (networks []netip.Prefix, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 10.0.0.0/8", part)
		}
		networks = append(networks, p.Masked())
	}
	return networks, nil
}

// After a signal, a server of a fleet waits for its balancer, and then for
// requests in progress. The process ends after 5 seconds.
const drain, grace = 2 * time.Second, 2500 * time.Millisecond

// run serves until ctx ends. It then lets the balancer notice, and finishes.
func run(ctx context.Context, s *server.Server, o options, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 2)
	var all []*http.Server
	listen := func(what, address string, handler http.Handler) error {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		one := server.HTTP(handler, s.Log)
		all = append(all, one)
		go func() { failed <- one.Serve(listener) }()
		_, err = fmt.Fprintf(out, "%s http://%s\n", what, listener.Addr())
		return err
	}
	err := listen("serving", o.listen, s.Handler())
	if err == nil && o.metrics != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", s.Metrics())
		err = listen("metrics at", o.metrics, mux)
	}
	if err != nil {
		return err
	}
	go s.Run(ctx)
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.Drain()
	if o.database != "" && err == nil {
		time.Sleep(drain) // the balancer asks /readyz
	}
	ending, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, one := range all {
		err = errors.Join(err, one.Shutdown(ending))
	}
	return err
}
