package moduli_test

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

//go:embed FORMAT.md
var format string

// TestFormatVectors checks the test vectors of FORMAT.md.
func TestFormatVectors(t *testing.T) {
	_, block, found := strings.Cut(format, "## Test vectors")
	require.True(t, found)
	vectors := make(map[string]string)
	name := ""
	for line := range strings.Lines(block) {
		if key, value, ok := strings.Cut(line, " ="); ok {
			name = key
			vectors[name] = strings.TrimSpace(value)
		} else if more, ok := strings.CutPrefix(line, "  "); ok {
			vectors[name] += strings.TrimSpace(more)
		}
	}
	result := find(t, "demo")
	search := must(moduli.NewSearch(result.Start))
	private := binary.BigEndian.AppendUint64([]byte{'M', 1, 'K'}, 1893456000)
	private = binary.BigEndian.AppendUint64(private, 0)
	for i := range byte(64) { // the seeds
		private = append(private, i)
	}
	key := must(moduli.ParsePrivateKey("nescio-moduli-private-key:" + base64.RawURLEncoding.EncodeToString(private)))
	unsigned := must(moduli.NewRecord(result, "example.org/srp", time.Unix(1893553445, 0), time.Unix(1925089445, 0)))
	signed := must(key.Sign(unsigned))
	require.NoError(t, moduli.NewKeys(key.Public()).Check(signed, "example.org/srp"))
	sum := sha256.Sum256(signed.Bytes())
	require.Equal(t, map[string]string{
		"start":                 hex.EncodeToString(result.Start.Bytes()),
		"offset":                "1454539",
		"search":                hex.EncodeToString(must(search.MarshalBinary())),
		"private key":           key.Text(),
		"key id":                key.Public().ID().String(),
		"unsigned record":       hex.EncodeToString(unsigned.Bytes()),
		"SHA-256 of the record": hex.EncodeToString(sum[:]),
	}, vectors)
}
