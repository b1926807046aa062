package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nescio-go/nescio/moduli"
)

// retiredMark stands before a retired record in a pool's text.
const retiredMark = "retired "

// listed is a record as it stands in a file.
type listed struct {
	*moduli.Record
	name    string // file:line
	retired bool
}

// readRecords reads a pool or a single record, in its text or binary form.
func readRecords(path string) ([]listed, error) {
	data, err := readFile(path, moduli.MaxPool)
	if err != nil {
		return nil, err
	}
	if r, err := moduli.ParseRecord(data); err == nil {
		return []listed{{Record: r, name: path}}, nil
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n") // as editors write it
	if !strings.HasSuffix(text, "\n") {
		text += "\n" // which a single record does not have
	}
	pool, err := moduli.ParsePool(text)
	if err != nil {
		return nil, explain(path, text, err)
	}
	var records []listed
	lines := strings.Split(text, "\n") // Pool.Retired would look through all of them for each
	for i, r := range pool.Records() {
		records = append(records, listed{r, fmt.Sprintf("%s:%d", path, i+1), strings.HasPrefix(lines[i], retiredMark)})
	}
	return records, nil
}

// explain says which line is to blame for the error of a pool.
func explain(path, text string, err error) error {
	lines := make(map[string]int) // by modulus
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		r, err := moduli.ParseRecordText(strings.TrimPrefix(line, retiredMark))
		if err != nil {
			return fmt.Errorf("%s:%d is not a record: a pool has one on each line, as generate, import and sign write them; import reads other formats", path, i+1)
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

// poolOf returns the pool of the records, in which those are retired that were.
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

// poolText is the text of a pool, if readRecords would read it again.
func poolText(pool *moduli.Pool) ([]byte, error) {
	text := pool.Text()
	if len(text) > moduli.MaxPool {
		return nil, fmt.Errorf("a pool has at most %d MiB, and this one would have more: divide it", moduli.MaxPool>>20)
	}
	return []byte(text), nil
}

// writePool writes the records to the new file, if one is named, and otherwise
// over the pool that they come from. It returns the name of what it wrote.
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
		return from, replace(from, text)
	}
	return file, create(file, text, 0o644)
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("%s has more than %d bytes, which nothing that is read here has", path, limit)
	}
	return data, err
}

// absent returns an error if the path exists: what is there stays as it is.
func absent(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s exists, and is not overwritten: write to another file, or move that one away", path)
	}
	return err
}

// create writes a file that does not exist yet.
func create(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return absent(path)
	}
	if err != nil {
		return err
	}
	if err := finish(f, data); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// replace writes a file that may exist, so that at any time there is either the
// old one or the new one.
func replace(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // and not the link
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	err = finish(f, data)
	if err == nil {
		err = os.Chmod(f.Name(), mode)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func finish(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// writeError means that the result could not be written.
type writeError struct{ error }

func (e writeError) Error() string { return "the result could not be written: " + e.error.Error() }
func (e writeError) Unwrap() error { return e.error }

// sticky is a writer that remembers its first error.
type sticky struct {
	out io.Writer
	err error
}

func (s *sticky) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.out.Write(p)
	if err != nil {
		s.err = writeError{err}
	}
	return n, s.err
}

// output writes to a new file, or to out if there is no name of one.
func output(path string, data []byte, out io.Writer) error {
	if path == "" {
		_, err := out.Write(data)
		return err
	}
	return create(path, data, 0o644)
}
