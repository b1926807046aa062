package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Read reads a file of at most limit bytes.
func Read(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, limit)
}

// ReadPrivate is Read for a file with secrets. If others can read the file, it
// returns the data and an error that says so, which counts if there are secrets
// in the data.
func ReadPrivate(path string, limit int) (data []byte, exposed, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		exposed = fmt.Errorf("%s can be read by others: chmod 600 it, and consider whether anybody has", path)
	}
	data, err = read(f, limit)
	return data, exposed, err
}

func read(f *os.File, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("%s is longer than %d bytes: it is not a file of this program", f.Name(), limit)
	}
	return data, err
}

// Absent returns an error if the path exists: nothing is overwritten.
func Absent(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s exists, and is not overwritten: write to another file, or move that one away", path)
	}
	return err
}

// Create writes a file that does not exist yet.
func Create(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return Absent(path)
	}
	if err != nil {
		return err
	}
	if err := finish(f, data); err != nil {
		os.Remove(path)
		return err
	}
	return syncFolder(path)
}

// Replace writes a file that may exist. At any time there is either the old one
// or the new one, with the mode and the owner of the old one, or with mode if
// there was none.
func Replace(path string, data []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // and not the link
	}
	old, err := os.Stat(path)
	if err == nil {
		mode = old.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	err = finish(f, data)
	if err == nil {
		err = os.Chmod(f.Name(), mode)
	}
	if err == nil && old != nil {
		err = keepOwner(f.Name(), old)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncFolder(path)
}

// syncFolder makes the name of a new file survive a power failure.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // where a folder cannot be opened
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func finish(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Output writes to a new file, or to out if path is empty.
func Output(path string, data []byte, out io.Writer) error {
	if path == "" {
		_, err := out.Write(data)
		return err
	}
	return Create(path, data, 0o644)
}
