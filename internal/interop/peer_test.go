// Package interop_test logs in, live and in both directions, with other
// implementations. It is a module of its own, so that nothing it needs reaches
// those who import the library.
//
// The JavaScript peers need Node.js and npm, with which the tests install them;
// pysrp is Debian's package python3-srp; the moduli need OpenSSL 3, ssh-keygen and
// /etc/ssh/moduli (Debian: openssl, openssh-client, openssh-server), Proton's recovery
// files GnuPG (gnupg). What is missing fails the tests.
//
// RFC 5054 leaves the proofs open, and its implementations differ in whether g
// in M1 and A, B, S in K, M1 and M2 are padded. There is a peer for padded g
// with stripped values (pysrp over OpenSSL) and for minimal g with padded
// values (fast-srp-hap). None was found in npm or Debian for the two others:
// secure-remote-password pads everything but has an unpadded g in k as well;
// jsrp, tssrp6a, srp-js and srp-bigint have other formulas for M1. The plain
// second implementation in package srp's tests stands in for those.
package interop_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// peer is another implementation in a process of its own.
type peer struct {
	in  io.Writer
	out *bufio.Scanner
}

// message is every field that a peer may be sent or may send.
type message struct {
	Op    string      `json:"op,omitempty"`
	ID    string      `json:"id,omitempty"`
	I     string      `json:"I,omitempty"`
	P     string      `json:"P,omitempty"`
	Bits  int         `json:"bits,omitempty"`
	Group string      `json:"group,omitempty"`
	Hash  string      `json:"hash,omitempty"`
	Salt  testvec.Hex `json:"salt,omitempty"`
	V     testvec.Hex `json:"v,omitempty"`
	A     testvec.Hex `json:"A,omitempty"`
	B     testvec.Hex `json:"B,omitempty"`
	M1    testvec.Hex `json:"M1,omitempty"`
	M2    testvec.Hex `json:"M2,omitempty"`
	K     testvec.Hex `json:"K,omitempty"`
	S     testvec.Hex `json:"S,omitempty"`
}

func start(t testing.TB, name string, args ...string) *peer {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start(), "is %s installed?", name)
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return &peer{in, bufio.NewScanner(out)}
}

// npmInstall installs the JavaScript peers, once.
var npmInstall = sync.OnceValues(func() ([]byte, error) {
	return exec.Command("npm", "ci", "--silent").CombinedOutput()
})

// startNode starts the JavaScript peers, after installing them.
func startNode(t testing.TB) *peer {
	if out, err := npmInstall(); err != nil {
		t.Fatalf("npm ci: %v\n%s\nThese tests need Node.js and npm (Debian: nodejs, npm) and the npm registry.", err, out)
	}
	return start(t, "node", "peers/peer.js")
}

// startPysrp starts pysrp, by the interpreter that Debian's package is for.
func startPysrp(t testing.TB) *peer {
	python := "/usr/bin/python3"
	if out, err := exec.Command(python, "-I", "-c", "from srp import _ctsrp").CombinedOutput(); err != nil {
		t.Fatalf("%s -c 'from srp import _ctsrp': %v\n%s\nThis test needs pysrp (Debian: python3-srp).", python, err, out)
	}
	return start(t, python, "peers/peer.py")
}

// call sends one request and returns the answer.
func (p *peer) call(request message) (message, error) { return exchange(p, request) }

// exchange sends one request of any type and returns the answer.
func exchange[T any](p *peer, request T) (answer T, err error) {
	raw, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	if _, err := p.in.Write(append(raw, '\n')); err != nil {
		return answer, err
	}
	if !p.out.Scan() {
		return answer, errors.New("the peer has ended")
	}
	var failed struct{ Error string }
	if err := json.Unmarshal(p.out.Bytes(), &failed); err != nil {
		return answer, err
	}
	if failed.Error != "" {
		return answer, errors.New(failed.Error)
	}
	return answer, json.Unmarshal(p.out.Bytes(), &answer)
}

func (p *peer) must(t testing.TB, request message) message {
	t.Helper()
	answer, err := p.call(request)
	require.NoError(t, err, request.Op)
	return answer
}
