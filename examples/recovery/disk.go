package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxFile is more than any file has that this program writes.
const maxFile = 4 << 20

// atStep is called in each write, when the temporary file is there and the new one is
// not. Tests look there at what a loss of power would leave.
var atStep = func() error { return nil }

// write replaces a file, so that at any moment there is the old one or the new one,
// for its owner alone. No two may write the same file at once.
func write(path string, data []byte) error {
	f, err := temporary(path)
	if err != nil {
		return err
	}
	return finish(f, path, data)
}

// temporary makes a new file beside another, in the place of those that a crash left.
func temporary(path string) (*os.File, error) {
	folder, prefix := filepath.Dir(path), "."+filepath.Base(path)+"."
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), ".tmp") {
			os.Remove(filepath.Join(folder, e.Name()))
		}
	}
	return os.CreateTemp(folder, prefix+"*.tmp") // 0600
}

// finish writes a temporary file, and puts it in the place of the other.
func finish(f *os.File, path string, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = atStep()
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// syncFolder makes a rename last. Not every system can, and then it does by itself.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		d.Sync()
		d.Close()
	}
}

// save writes a value as JSON.
func save(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	if len(data) >= maxFile {
		return fmt.Errorf("%s would become larger than anything that is read here", path)
	}
	return write(path, append(data, '\n'))
}

// load reads what save wrote, and reports whether there is anything.
func load(path string, v any) (found bool, err error) {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s is not what this program wrote: put it back from a copy", path)
	}
	return true, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than anything that is read here", path)
	}
	return data, err
}

// lockWait is how long a command waits for the other one that has the server.
var lockWait = 5 * time.Second

// lock takes a folder for this process alone, by a file that only one can create.
// Unlike a system's own locks it works everywhere, and stays there after a crash.
func lock(folder string) (unlock func(), err error) {
	path := filepath.Join(folder, "lock")
	for deadline := time.Now().Add(lockWait); ; time.Sleep(10 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			fmt.Fprintf(f, "process %d, %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
			f.Close()
			return func() { os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) { // Windows: it is being removed
			return nil, err
		}
		if time.Now().After(deadline) {
			holder, _ := readFile(path)
			return nil, fmt.Errorf("%s is locked by %q: if no such command is running any more, delete %s", folder, holder, path)
		}
	}
}
