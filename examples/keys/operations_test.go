package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOperations builds the programs and runs the commands of OPERATIONS.md in
// their order.
func TestOperations(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		t.Skip("there is no shell")
	}
	doc, err := os.ReadFile("../../OPERATIONS.md")
	require.NoError(t, err)
	bin, dir := t.TempDir(), t.TempDir()
	for _, name := range []string{"keys", "moduli"} {
		out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, name), "../"+name).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	blocks := strings.Split(string(doc), "```sh\n")[1:]
	require.Greater(t, len(blocks), 8)
	for _, block := range blocks {
		script, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		c := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
		c.Dir = dir
		c.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s\n%s", script, out)
	}
}
