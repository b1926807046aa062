package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

// TestExportAndImport: exported files of all formats can be imported.
func TestExportAndImport(t *testing.T) {
	in(t)
	small512(t, 2)
	pool, err := moduli.ParsePool(read(t, "pool.moduli"))
	require.NoError(t, err)
	refused(t, "there are 2 records to write", "export", "-format", "pem", "pool.moduli")
	refused(t, "there are 2 records to write", "export", "-format", "raw", "pool.moduli")
	refused(t, "-record must be from 1 to 2", "export", "-format", "raw", "-record", "3", "pool.moduli")
	for _, format := range []string{"openssh", "pem", "raw"} {
		files := []string{"1." + format, "2." + format}
		for i, file := range files {
			must(t, "export", "-format", format, "-record", []string{"1", "2"}[i], "-o", file, "pool.moduli")
			refused(t, file+" exists", "export", "-format", format, "-record", "1", "-o", file, "pool.moduli")
			require.Equal(t, read(t, file), must(t, "export", "-format", format, "-record", []string{"1", "2"}[i], "pool.moduli"))
		}
		out := must(t, "import", "-format", format, "-purpose", "example.org/srp", "-o", format+".moduli", files[0], files[1])
		require.Equal(t, format+".moduli: 2 moduli, proved and unsigned\n", out)
		refused(t, format+".moduli exists", "import", "-format", format, "-o", format+".moduli", files[0])
		imported, err := moduli.ParsePool(read(t, format+".moduli"))
		require.NoError(t, err)
		for i, r := range imported.Records() {
			require.Equal(t, pool.Records()[i].Modulus(), r.Modulus())
			require.Zero(t, r.Result().Offset)
			require.Equal(t, "example.org/srp", r.Purpose())
		}
	}
	require.Equal(t, string(pool.Records()[1].Modulus().N), read(t, "2.raw"))
	require.Equal(t, 2, strings.Count(must(t, "export", "-format", "openssh", "pool.moduli"), "\n"))
}

// TestImportOfOpenSSLsModuli: OpenSSL 3 makes moduli for which 2 generates only
// half of the group. import names a g that works.
func TestImportOfOpenSSLsModuli(t *testing.T) {
	file, err := filepath.Abs("../../moduli/testdata/dhparam_2_512.pem")
	require.NoError(t, err)
	in(t)
	_, errOut, err := call(t, "import", "-format", "pem", "-o", "new.moduli", file)
	require.Error(t, err)
	_, g, found := strings.Cut(errOut, "g = 2 does not generate the whole group of N: try -g ")
	require.True(t, found, errOut)
	must(t, "import", "-format", "pem", "-g", strings.TrimSpace(g), "-o", "new.moduli", file)
	must(t, "verify", "new.moduli")
}

func TestImportNamesWhatItRefuses(t *testing.T) {
	in(t)
	small512(t, 2)
	lines := strings.Split(must(t, "export", "-format", "openssh", "pool.moduli"), "\n")
	twice, five := lines[0], strings.Replace(lines[1], " 511 2 ", " 511 4 ", 1)
	write(t, "file", "# comment\n"+lines[0]+"\nnonsense\n"+twice+"\n"+five+"\n")
	out, errOut, err := call(t, "import", "-format", "openssh", "-o", "new.moduli", "file")
	require.EqualError(t, err, "3 moduli were refused")
	require.Equal(t, "new.moduli: 1 modulus, proved and unsigned\n", out)
	require.Contains(t, errOut, "file:3 is refused: malformed: a line must have seven fields")
	require.Contains(t, errOut, "file:4 is refused: malformed: two records have the same modulus\n")
	require.Contains(t, errOut, "file:5 is refused: g = 4 does not generate the whole group of N: try -g 2\n")
	must(t, "verify", "new.moduli")

	// With the named g, the modulus is accepted.
	write(t, "five", five+"\n")
	must(t, "import", "-format", "openssh", "-g", "2", "-o", "five.moduli", "five")
	must(t, "verify", "five.moduli")
	refused(t, "Proton signed", "import", "-format", "proton", "-g", "3", "-o", "six.moduli", "five")

	refused(t, "nothing is written", "import", "-format", "openssh", "-bits", "2048", "-o", "none.moduli", "file")
	require.NoFileExists(t, "none.moduli")
	for _, format := range []string{"openssh", "pem", "proton", "raw"} {
		refused(t, "nothing is written", "import", "-format", format, "-o", "none.moduli", "pool.moduli")
	}
}

// protonMessage returns a modulus as Proton distributes it.
func protonMessage(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "moduli", "openpgp", "testdata", "signed_moduli.json"))
	require.NoError(t, err)
	var file struct{ Vectors []string }
	require.NoError(t, json.Unmarshal(data, &file))
	return file.Vectors[0]
}

func TestImportFromProton(t *testing.T) {
	message := protonMessage(t)
	in(t)
	write(t, "message", message)
	must(t, "import", "-format", "proton", "-o", "pool.moduli", "message")
	require.Contains(t, must(t, "show", "pool.moduli"), "\nbits: 2048\ng: 2\n")

	write(t, "message", strings.Replace(message, "y6Tt", "z6Tt", 1))
	_, errOut, err := call(t, "import", "-format", "proton", "-o", "other.moduli", "message")
	require.Error(t, err)
	require.Contains(t, errOut, "message is refused: not signed by Proton\n")
}
