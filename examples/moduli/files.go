package main

import (
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

// retiredMark precedes a retired record in the text of a pool.
const retiredMark = "retired "

// listed is a record in a file.
type listed struct {
	*moduli.Record
	name    string // file:line
	retired bool
}

// readRecords reads a pool or a single record, in its text or binary form.
func readRecords(path string) ([]listed, error) {
	data, err := cli.Read(path, moduli.MaxPool)
	if err != nil {
		return nil, err
	}
	if r, err := moduli.ParseRecord(data); err == nil {
		return []listed{{Record: r, name: path}}, nil
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n") // some editors write CRLF
	if !strings.HasSuffix(text, "\n") {
		text += "\n" // a single record has no line end
	}
	pool, err := moduli.ParsePool(text)
	if err != nil {
		return nil, explain(path, text, err)
	}
	var records []listed
	lines := strings.Split(text, "\n") // Pool.Retired would search all records for each
	for i, r := range pool.Records() {
		records = append(records, listed{r, fmt.Sprintf("%s:%d", path, i+1), strings.HasPrefix(lines[i], retiredMark)})
	}
	return records, nil
}

// explain names the line that causes the error of a pool.
func explain(path, text string, err error) error {
	lines := make(map[string]int) // by modulus
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		r, err := moduli.ParseRecordText(strings.TrimPrefix(line, retiredMark))
		if err != nil {
			return fmt.Errorf("%s:%d is not a record: a pool of generate, import or sign has a record on each line; import reads other formats", path, i+1)
		}
		n := string(r.Modulus().N)
		if lines[n] > 0 {
			return fmt.Errorf("%s:%d has the modulus of line %d: remove one of them", path, i+1, lines[n])
		}
		lines[n] = i + 1
	}
	return fmt.Errorf("%s: %s", path, plain(err))
}

// readPools reads the records of several files.
func readPools(paths []string) (records []listed, err error) {
	for _, path := range paths {
		more, err := readRecords(path)
		if err != nil {
			return nil, err
		}
		records = append(records, more...)
	}
	return records, nil
}

// poolOf returns a pool of the records. Retired records stay retired.
func poolOf(records []listed) (*moduli.Pool, error) {
	var bare []*moduli.Record
	for _, r := range records {
		bare = append(bare, r.Record)
	}
	pool, err := moduli.NewPool(bare...)
	if err != nil {
		return nil, err
	}
	var retired [][]byte
	for _, r := range records {
		if r.retired {
			retired = append(retired, r.Modulus().N)
		}
	}
	return pool.Retire(retired...), nil
}

// poolText returns the text of a pool, or an error if it is too long for
// readRecords.
func poolText(pool *moduli.Pool) ([]byte, error) {
	text := pool.Text()
	if len(text) > moduli.MaxPool {
		return nil, fmt.Errorf("a pool is at most %d MiB long, and this one would be longer: divide it", moduli.MaxPool>>20)
	}
	return []byte(text), nil
}

// writePool writes the records to a new file if one is named. Otherwise it
// replaces the pool that they come from. It returns the name of the file.
func writePool(records []listed, from, file string) (target string, err error) {
	pool, err := poolOf(records)
	if err != nil {
		return "", err
	}
	text, err := poolText(pool)
	if err != nil {
		return "", err
	}
	if file == "" {
		return from, cli.Replace(from, text, 0o644)
	}
	return file, cli.Create(file, text, 0o644)
}
