//go:build unix

// Package pgtest starts a PostgreSQL cluster for the tests of one package.
package pgtest

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Cluster is a PostgreSQL cluster on a free port of the loopback interface.
type Cluster struct {
	folder string
	port   int
	bin    string
	as     *syscall.Credential
	names  atomic.Int64
}

// ErrNotInstalled means that there is no PostgreSQL.
var ErrNotInstalled = errors.New("pgtest: PostgreSQL is not installed")

// Start starts a cluster. A durable one writes to the disk before it answers,
// for crash tests.
func Start(durable bool) (c *Cluster, err error) {
	c = new(Cluster)
	if c.bin, err = binaries(); err != nil {
		return nil, err
	}
	if c.folder, err = os.MkdirTemp("", "nescio-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(c.folder)
		}
	}()
	if err := c.own(); err != nil {
		return nil, err
	}
	if c.port, err = freePort(); err != nil {
		return nil, err
	}
	if err := c.run("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"); err != nil {
		return nil, err
	}
	fsync := "off"
	if durable {
		fsync = "on"
	}
	settings := fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = ''\nfsync = %s\nmax_connections = 200\n", c.port, fsync)
	if !durable {
		settings += "synchronous_commit = off\nfull_page_writes = off\n"
	}
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(settings)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return c, c.run("pg_ctl", "-D", c.data(), "-w", "-l", filepath.Join(c.folder, "log"), "start")
}

// Log returns what the cluster has logged.
func (c *Cluster) Log() ([]byte, error) { return os.ReadFile(filepath.Join(c.folder, "log")) }

// Stop stops the cluster and deletes it.
func (c *Cluster) Stop() error {
	err := c.run("pg_ctl", "-D", c.data(), "-w", "-m", "immediate", "stop")
	return errors.Join(err, os.RemoveAll(c.folder))
}

// Crash restarts the cluster as after a crash.
func (c *Cluster) Crash() error {
	return c.run("pg_ctl", "-D", c.data(), "-w", "-m", "immediate", "-l", filepath.Join(c.folder, "log"), "restart")
}

// CPU returns the time that all processes of the cluster have used, on Linux.
func (c *Cluster) CPU() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	main, _, _ := strings.Cut(string(text), "\n")
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	ticks := 0
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if err != nil || !ok || len(fields) < 15 {
			continue // it has ended
		}
		own := strings.HasPrefix(string(text), main+" ")
		if !own && fields[1] != main { // the parent
			continue
		}
		for i, field := range fields[11:15] { // user and system, also of children that have ended
			n, err := strconv.Atoi(field)
			if err == nil && (own || i < 2) {
				ticks += n
			}
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond, err
}

// URL returns the address of a database.
func (c *Cluster) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

// Create makes a database, as a copy of a template unless that is empty, and
// returns its address. The test drops it.
func (c *Cluster) Create(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", c.names.Add(1))
	statement := "CREATE DATABASE " + name
	if template != "" {
		statement += " TEMPLATE " + template
	}
	if err := c.Exec(statement); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return c.URL(name)
}

// Exec runs a statement in the database postgres.
func (c *Cluster) Exec(statement string) error {
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

// own gives the folder to the user postgres, because PostgreSQL refuses root.
func (c *Cluster) own() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(c.folder, int(uid), int(gid))
}

func (c *Cluster) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir = c.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	var out bytes.Buffer
	if program == "initdb" { // the server would keep a pipe open
		cmd.Stdout, cmd.Stderr = &out, &out
	}
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		log, _ := c.Log()
		return fmt.Errorf("pgtest: %s: %w: %s %s", program, err, out.Bytes(), log)
	}
	return nil
}

// binaries returns the folder of the newest PostgreSQL, as Debian installs it.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		path, err := exec.LookPath("initdb")
		if err != nil {
			return "", ErrNotInstalled
		}
		found = []string{path}
	}
	return filepath.Dir(slices.Max(found)), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
