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

// File is the slot of a user who has kept a recovery file and gets the server's
// half: the file contains F, the server keeps S, and neither opens anything
// without the other. The server releases S after a login or after a review.
//
// To make one, call [NewFile], seal a slot with it, and store
// [File.ServerSecret] at the server under [File.ID], together with the header
// and never inside it. Give [File.Text] to the user when both are stored. To
// open, call [ParseFile], ask the server for the secret of its ID, and call
// [File.WithServerSecret]. A File is for one slot. If sealing or storing
// failed, make a new one. A File is safe for concurrent use once it is sealed,
// and redacts itself.
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

// ParseFile reads the text of a file. It ignores white space and characters
// without width anywhere, and text before and after the file. It returns
// [ErrMalformed] for anything else, such as a damaged text or two files in one
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
// encoding/pem to lines, which input fields join and mail programs indent, and
// less to all else: there is one block, without headers, in one spelling.
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

// Text returns the file for the user: armored text with the id and F, and
// without the name of an account. It is empty before a slot was sealed.
// FORMAT.md has the format.
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

// ID returns the id of the file's slot. The server keeps its secret under this
// id. It is zero before a slot was sealed.
func (f *File) ID() SlotID { return f.secrets.Get().id }

// ServerSecret returns a copy of S, 32 bytes, which the server keeps. It is nil
// for a file that was parsed and has no S yet.
func (f *File) ServerSecret() []byte {
	s := f.secrets.Get()
	if !s.both {
		return nil
	}
	return bytes.Clone(s.s[:])
}

// WithServerSecret returns the file with the server's half, 32 bytes. It
// returns [ErrMalformed] for another length or zero bytes, and [ErrPolicy] for
// a new file, which has its own.
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

// Type returns "file".
func (f *File) Type() string { return typeFile }

// Flags returns 0.
func (f *File) Flags() uint8 { return 0 }

// Seal implements [Sealer]. It returns [ErrPolicy] if the file has a slot
// already.
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

// Open implements [Opener]. It returns [ErrPolicy] for a file without the
// server's secret.
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

// Format writes a placeholder for every verb.
func (f File) Format(st fmt.State, _ rune) { redact(st, "File") }

// MarshalJSON returns an error. Store what [File.Text] returns.
func (f File) MarshalJSON() ([]byte, error) { return nil, errJSON }
