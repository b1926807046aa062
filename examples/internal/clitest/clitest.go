// Package clitest calls the commands of a program in tests.
package clitest

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/internal/cli"
)

// Of returns three functions that run command lines of a program. Call returns
// what a command line printed. Must is Call for one that succeeds. Refused is Call
// for one that fails for the given reason.
func Of(program func() *cli.Program) (
	call func(t testing.TB, args ...string) (out, errOut string, err error),
	must func(t testing.TB, args ...string) string,
	refused func(t testing.TB, why string, args ...string),
) {
	call = func(t testing.TB, args ...string) (string, string, error) {
		var out, errOut bytes.Buffer
		err := program().Run(t.Context(), args, &out, &errOut)
		return out.String(), errOut.String(), err
	}
	must = func(t testing.TB, args ...string) string {
		t.Helper()
		out, errOut, err := call(t, args...)
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, errOut)
		}
		return out
	}
	refused = func(t testing.TB, why string, args ...string) {
		t.Helper()
		if _, _, err := call(t, args...); err == nil || !strings.Contains(err.Error(), why) {
			t.Fatalf("%q: %v, want %q", args, err, why)
		}
	}
	return call, must, refused
}

// In moves to a new empty directory.
func In(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
}

// Read returns the content of a file.
func Read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Write writes a file that only its owner can read.
func Write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
