package internal_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// given are the names that the code blocks of the README use and do not declare.
const given = `ctx context.Context, id, password, exportKey, raw, record, noteID []byte, decoyKey, stateKey [32]byte, ` +
	`account recovery.AccountID, lost recovery.SlotID, local, newLocal recovery.Local, remote recovery.Remote`

// TestReadmeCompiles: the code blocks of the README compile as they are.
func TestReadmeCompiles(t *testing.T) {
	doc, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	blocks := strings.Split(string(doc), "\n```go\n")[1:]
	require.GreaterOrEqual(t, len(blocks), 3)
	imports := map[string]string{"bytes": "bytes", "context": "context", "fmt": "fmt", "rand": "crypto/rand"}
	for _, p := range []string{"srp", "opaque", "recovery", "kdf", "wrap", "moduli"} {
		imports[p] = module + p
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	overlay := map[string]string{}
	for i, block := range blocks {
		block, _, closed := strings.Cut(block, "\n```")
		require.True(t, closed)
		body := fmt.Sprintf("func _(%s) {\n{\n%s\n}\n}\n", given, block)
		source := fmt.Sprintf("package readme%d\n", i)
		for name, path := range imports {
			if regexp.MustCompile(`\b` + name + `\.`).MatchString(body) {
				source += fmt.Sprintf("import %q\n", path)
			}
		}
		file := filepath.Join(dir, fmt.Sprintf("block%d.go", i))
		require.NoError(t, os.WriteFile(file, []byte(source+body), 0o600))
		overlay[filepath.Join(root, "internal", fmt.Sprintf("readme%d", i), "readme.go")] = file
	}
	config := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, text, 0o600))
	for i := range blocks {
		c := exec.CommandContext(t.Context(), "go", "build", "-overlay", config, fmt.Sprintf("./internal/readme%d", i))
		c.Dir = root
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}
