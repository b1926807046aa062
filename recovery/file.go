package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// File is the way in of who kept a recovery file, and is let have the server's
// half: the file holds F, the server S, and neither opens anything without the
// other. The server hands S out after a login, or after somebody has reviewed the
// request.
//
// A File is for one slot, by Create, Add, Replace or Renew: after one that failed, or whose header the server did not take,
// make a new one.
//
// To make one: NewFile, Add it, send ServerSecret to the server together with the
// header, to be kept under the file's id and never in the header, and give Text to the
// user when both are stored. To open: ParseFile, ask the
// server for the secret of its ID, WithServerSecret.
type File struct {
	secrets secret.Value[fileSecrets]
}

type fileSecrets struct {
	id     SlotID // of the slot, zero before Seal
	f, s   [32]byte
	sealed bool
	both   bool // s is there
}

// NewFile returns a new file, for one slot.
func NewFile() *File {
	f := &File{secret.New(fileSecrets{both: true})}
	s := f.secrets.Get()
	rand.Read(s.f[:])
	rand.Read(s.s[:])
	return f
}

// ParseFile reads the text of a file. It forgives what mail programs and input fields do
// to white space, characters without width anywhere, and text before and after the file.
// It returns [ErrMalformed] for anything else, such as a damaged text or two files in one
// text.
func ParseFile(text string) (*File, error) {
	if len(text) > maxFileText {
		return nil, ErrMalformed
	}
	b, err := unarmor(text)
	if err != nil {
		return nil, ErrMalformed
	}
	defer clear(b)
	if len(b) != fileSize || b[0] != version {
		return nil, ErrMalformed
	}
	n := fileSize - fileCheckSize
	if check := sha256.Sum256(b[:n]); !bytes.Equal(check[:fileCheckSize], b[n:]) {
		return nil, ErrMalformed
	}
	if isZero(b[1:17]) || isZero(b[17:n]) {
		return nil, ErrMalformed
	}
	return &File{secret.New(fileSecrets{id: SlotID(b[1:17]), f: [32]byte(b[17:n]), sealed: true})}, nil
}

// unarmor decodes what is between the two lines. It is more forgiving than
// encoding/pem to lines, which input fields join and mail programs indent, and less
// to all else: there is one block, without headers, in one spelling.
func unarmor(text string) ([]byte, error) {
	const begin, end = "-----BEGIN " + fileType + "-----", "-----END " + fileType + "-----"
	text = strings.Map(func(c rune) rune {
		switch {
		case isInvisible(c):
			return -1
		case unicode.IsSpace(c):
			return ' '
		}
		return c
	}, text)
	_, body, begins := strings.Cut(text, begin)
	body, rest, ends := strings.Cut(body, end)
	if !begins || !ends || strings.Contains(rest, begin) {
		return nil, ErrMalformed
	}
	return base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(body), ""))
}

const (
	fileType      = "NESCIO RECOVERY FILE"
	fileCheckSize = 4
	fileSize      = 1 + 16 + 32 + fileCheckSize
	maxFileText   = 64 << 10
)

// Text returns the file: armored text with the id and F, and no name of an account.
//
//	version 01 ‖ slot id 16 ‖ F 32 ‖ first 4 bytes of SHA-256 of all before
//
// in base64 between "-----BEGIN NESCIO RECOVERY FILE-----" and the same with END. It
// is empty before Add.
func (f *File) Text() string {
	s := f.secrets.Get()
	if !s.sealed {
		return ""
	}
	b := append([]byte{version}, s.id[:]...)
	b = append(b, s.f[:]...)
	defer func() { clear(b) }()
	check := sha256.Sum256(b)
	b = append(b, check[:fileCheckSize]...)
	return string(pem.EncodeToMemory(&pem.Block{Type: fileType, Bytes: b}))
}

// ID returns the file's id, which is that of its slot: the server keeps its secret
// under it. It is zero before Add.
func (f *File) ID() SlotID { return f.secrets.Get().id }

// ServerSecret returns a copy of S, 32 bytes, which the server keeps; nil for a file
// that was parsed and has none yet.
func (f *File) ServerSecret() []byte {
	s := f.secrets.Get()
	if !s.both {
		return nil
	}
	return bytes.Clone(s.s[:])
}

// WithServerSecret returns the file with the server's half, 32 bytes. It returns
// [ErrMalformed] for another length or zero bytes, and [ErrUsed] for a new file,
// which has its own.
func (f *File) WithServerSecret(half []byte) (*File, error) {
	if len(half) != 32 || isZero(half) {
		return nil, ErrMalformed
	}
	s := *f.secrets.Get()
	if !s.sealed {
		return nil, ErrUsed // a new file has its own
	}
	s.s, s.both = [32]byte(half), true
	return &File{secret.New(s)}, nil
}

// Type returns SlotFile.
func (f *File) Type() SlotType { return SlotFile }

// Flags returns 0.
func (f *File) Flags() uint8 { return 0 }

// Seal implements Sealer. It returns ErrUsed if the file has a slot already.
func (f *File) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	s := f.secrets.Get()
	if s.sealed || !s.both {
		return nil, nil, ErrUsed
	}
	if len(b.Item) != len(s.id) {
		return nil, nil, errInternal
	}
	params = make([]byte, saltSize)
	rand.Read(params)
	ikm := s.ikm()
	defer clear(ikm)
	if params, wrapped, err = sealSlot(ctx, b, ikm, 0, params, secret); err != nil {
		return nil, nil, err
	}
	s.id, s.sealed = SlotID(b.Item), true
	return params, wrapped, nil
}

// Open implements Opener. It returns ErrPolicy for a file without the server's
// secret.
func (f *File) Open(ctx context.Context, b wrap.Binding, slot Slot) ([]byte, error) {
	s := f.secrets.Get()
	if !s.both {
		return nil, refused("the file needs the server's secret")
	}
	if slot.Type != SlotFile || slot.ID != s.id {
		return nil, ErrNotMine
	}
	ikm := s.ikm()
	defer clear(ikm)
	return openSlot(ctx, b, ikm, slot)
}

// ikm is F ‖ S.
func (s *fileSecrets) ikm() []byte { return slices.Concat(s.f[:], s.s[:]) }

// Format writes a placeholder for every verb.
func (f File) Format(st fmt.State, _ rune) { redact(st, "File") }

// MarshalJSON returns an error. Store what [File.Text] returns.
func (f File) MarshalJSON() ([]byte, error) { return nil, errJSON }
