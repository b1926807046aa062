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

// File is the slot of a recovery file. The user keeps [File.Text]. The server
// keeps [File.ServerSecret] under [File.ID], apart from the header. Neither
// opens anything alone.
type File struct {
	secrets secret.Value[fileSecrets]
}

type fileSecrets struct {
	id     SlotID // of the slot, zero before Seal
	f, s   [32]byte
	sealed bool
	both   bool // s is there
}

// NewFile returns a file for one slot.
func NewFile() *File {
	f := &File{secret.New(fileSecrets{both: true})}
	s := f.secrets.Get()
	rand.Read(s.f[:])
	rand.Read(s.s[:])
	return f
}

// ParseFile reverses [File.Text].
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

// unarmor decodes the text between the two lines. Unlike encoding/pem it
// ignores line ends, because input fields join lines and mail programs indent
// them. It is stricter otherwise: one block, without headers, in one spelling.
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

// Text returns armored text for the user, after the rest is stored.
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

// ID returns the slot's id.
func (f *File) ID() SlotID { return f.secrets.Get().id }

// ServerSecret returns 32 bytes.
func (f *File) ServerSecret() []byte {
	s := f.secrets.Get()
	if !s.both {
		return nil
	}
	return bytes.Clone(s.s[:])
}

// WithServerSecret returns the file with both halves.
func (f *File) WithServerSecret(half []byte) (*File, error) {
	if len(half) != 32 || isZero(half) {
		return nil, ErrMalformed
	}
	s := *f.secrets.Get()
	if !s.sealed {
		return nil, errUsed // a new file has its own
	}
	s.s, s.both = [32]byte(half), true
	return &File{secret.New(s)}, nil
}

func (f *File) Type() string { return typeFile }

func (f *File) Flags() uint8 { return 0 }

func (f *File) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	s := f.secrets.Get()
	if s.sealed || !s.both {
		return nil, nil, errUsed
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

func (f *File) Open(ctx context.Context, b wrap.Binding, slot Slot) ([]byte, error) {
	s := f.secrets.Get()
	if !s.both {
		return nil, refused("the file needs the server's secret")
	}
	if slot.Type != typeFile || slot.ID != s.id {
		return nil, ErrWrongSecret
	}
	ikm := s.ikm()
	defer clear(ikm)
	return openSlot(ctx, b, ikm, slot)
}

// ikm is F ‖ S.
func (s *fileSecrets) ikm() []byte { return slices.Concat(s.f[:], s.s[:]) }

// Format redacts.
func (f File) Format(st fmt.State, _ rune) { redact(st, "File") }

// MarshalJSON fails.
func (f File) MarshalJSON() ([]byte, error) { return nil, errJSON }
