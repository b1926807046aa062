package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is the real program, with servers that are killed and restarted, and a
// random balancer before them.
type program struct {
	*testing.T
	binary   string
	args     []string
	servers  []*process
	balancer *httptest.Server
	finishes *finishes
	log      *lockedBuffer
	ending   chan struct{}
	ended    sync.WaitGroup
}

// process is a server that starts again whenever it has ended.
type process struct {
	address string
	mu      sync.Mutex
	running *exec.Cmd
	starts  int
}

// build builds the program.
func build(t *testing.T) (binary string) {
	binary = filepath.Join(t.TempDir(), "service")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "..").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// startProgram starts n servers with the same flags.
func startProgram(t *testing.T, binary string, n int, flags ...string) *program {
	p := &program{T: t, binary: binary, log: new(lockedBuffer), ending: make(chan struct{})}
	p.args = append([]string{"serve", "-trusted-proxies", "127.0.0.0/8", "-claim-wait", crashWait}, flags...)
	t.Cleanup(p.end)
	for range n {
		s := &process{address: freeAddress(t)}
		p.servers = append(p.servers, s)
		p.ended.Go(func() { p.keep(s) })
	}
	p.finishes = &finishes{t: t, choose: p.any, known: make(map[string]*finish)}
	p.balancer = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
			r.SetURL(p.any())
		},
		Transport:    p.finishes,
		ErrorLog:     log.New(io.Discard, "", 0),
		ErrorHandler: lost,
	})
	t.Cleanup(p.balancer.Close)
	p.waitReady()
	return p
}

// lost tells a client that there was no answer, in one of two ways.
func lost(w http.ResponseWriter, _ *http.Request, _ error) {
	if rand.IntN(2) == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusBadGateway)
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// any returns the address of a random server.
func (p *program) any() *url.URL {
	return &url.URL{Scheme: "http", Host: p.servers[rand.IntN(len(p.servers))].address}
}

// keep starts a server again whenever it has ended.
func (p *program) keep(s *process) {
	for {
		cmd := exec.Command(p.binary, append(p.args, "-listen", s.address)...)
		cmd.Stderr = struct{ io.Writer }{p.log} // without ReadFrom, which does not lock
		s.mu.Lock()
		select {
		case <-p.ending:
			s.mu.Unlock()
			return
		default:
		}
		err := cmd.Start()
		s.running, s.starts = cmd, s.starts+1
		s.mu.Unlock()
		if err != nil {
			p.Error(err)
			return
		}
		if cmd.Wait(); cmd.ProcessState.Exited() { // it was not killed: it found no database
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// kill ends a server without notice.
func (p *program) kill(i int) {
	s := p.servers[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		s.running.Process.Kill()
	}
}

func (p *program) end() {
	close(p.ending)
	for i := range p.servers {
		p.kill(i)
	}
	p.ended.Wait()
	if p.Failed() {
		left := 20
		for line := range bytes.Lines(p.log.copy()) {
			if left > 0 && !bytes.Contains(line, []byte(`"msg":"request"`)) {
				p.Logf("%s", line)
				left--
			}
		}
	}
}

// waitReady waits until all servers answer.
func (p *program) waitReady() {
	for _, s := range p.servers {
		require.Eventually(p, func() bool {
			r, err := http.Get("http://" + s.address + "/readyz")
			if err != nil {
				return false
			}
			defer r.Body.Close()
			return r.StatusCode == 200
		}, 30*time.Second, 20*time.Millisecond, "a server does not start")
	}
}

// slowly passes connections on to a database, as a network between two machines
// does. A server that is killed is then often between two statements.
func slowly(t *testing.T, database string) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	pass := func(to, from net.Conn) {
		defer to.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := from.Read(b)
			if err != nil {
				return
			}
			time.Sleep(time.Millisecond)
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			server, err := l.Accept()
			if err != nil {
				return
			}
			database, err := net.Dial("tcp", database)
			if err != nil {
				server.Close()
				continue
			}
			go pass(server, database)
			go pass(database, server)
		}
	}()
	return l.Addr().String()
}

// TestFirstStart: a first start that was killed at any time can be repeated.
func TestFirstStart(t *testing.T) {
	binary := build(t)
	for n := range 25 {
		folder := filepath.Join(t.TempDir(), "data")
		cmd := exec.Command(binary, "serve", "-folder", folder, "-listen", "127.0.0.1:0")
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(n) * 4 * time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		cmd.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var complaint bytes.Buffer
		out, in := io.Pipe()
		cmd = exec.CommandContext(ctx, binary, "serve", "-folder", folder, "-listen", "127.0.0.1:0")
		cmd.Stdout, cmd.Stderr = in, &complaint
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() {
			ended <- cmd.Wait()
			in.Close()
		}()
		var first string
		fmt.Fscanln(out, &first)
		cancel()
		go io.Copy(io.Discard, out)
		<-ended
		require.Equal(t, "serving", first, "killed after %d ms: %s", 4*n, complaint.Bytes())
		info, err := os.Stat(filepath.Join(folder, "secrets.key"))
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm())
	}
}
