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

// ErrLocked means that another process is changing a file.
var ErrLocked = errors.New("another process is changing the file")

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
// returns the data and the error exposed, which callers return if the data
// contains secrets.
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
		exposed = fmt.Errorf("%s can be read by others: chmod 600 it, and consider whether anybody has read it", path)
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

// Absent returns an error if the path exists.
func Absent(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s exists, and is not overwritten: write to another file, or move this one away", path)
	}
	return err
}

// Create writes a file that must not exist. It writes the whole file or
// nothing.
func Create(path string, data []byte, mode fs.FileMode) error {
	if err := Absent(path); err != nil {
		return err
	}
	return write(path, data, mode, nil)
}

// Replace writes a file, which may exist. At any time there is either the old
// file or the new file. The new file has the mode and the owner of the old
// file, or the given mode if there was none. If path is a link, Replace writes
// the file behind it.
func Replace(path string, data []byte, mode fs.FileMode) error {
	old, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return write(path, data, mode, nil)
	}
	if err != nil {
		return err
	}
	if !old.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	return write(path, data, old.Mode().Perm(), old)
}

// write writes to a temporary file and renames it. If old is nil, path must not
// exist.
func write(path string, data []byte, mode fs.FileMode, old fs.FileInfo) error {
	folder, err := openFolder(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails if it was renamed
	err = finish(f, data)
	if err == nil {
		err = os.Chmod(f.Name(), mode)
	}
	switch {
	case err != nil:
	case old == nil:
		if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%s exists, and is not overwritten", path)
		}
	default:
		if err = keepOwner(f.Name(), old); err == nil {
			err = os.Rename(f.Name(), path)
		}
	}
	if err != nil {
		return err
	}
	if err := folder.Sync(); err != nil && runtime.GOOS != "windows" {
		return fmt.Errorf("%s is written, but may not survive a power failure: %w", path, err)
	}
	return nil
}

// openFolder opens the folder of a file. After a sync of the folder, the name
// of a new file survives a power failure.
func openFolder(path string) (*os.File, error) { return os.Open(filepath.Dir(path)) }

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
