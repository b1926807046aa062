package moduli

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// OpenSSH keeps the moduli for its group exchange (RFC 4419) in a file in the
// format of moduli(5): comments, empty lines, and lines of seven fields with
// single spaces between them.
//
//	time YYYYMMDDHHMMSS, UTC ‖ type ‖ tests ‖ tries ‖ bits − 1 ‖ g in hex ‖ N in hex
//
// Type 2 is a safe prime. Tests is a set: 1 found composite, 2 sieved, 4
// Miller–Rabin, tries times.
const (
	opensshTime = "20060102150405"
	opensshType = 2

	// tests and tries are what "ssh-keygen -M screen" writes after a sieve and
	// what the file has that comes with OpenSSH: its lines come out as they
	// went in. sshd reads tries only to refuse 0.
	opensshTests = 2 | 4
	opensshTries = 100

	// maxOpenSSHLine has room for moduli that are refused by their size.
	maxOpenSSHLine = 16 << 10
	// maxOpenSSH is more than twenty times the file that comes with OpenSSH.
	maxOpenSSH = 16 << 20
)

// Errors of formats, to be told apart by errors.Is.
var (
	// ErrMalformed means data that is not of the one form that its reader
	// describes, or a value that the form cannot hold. From the formats of others
	// it comes with a constant text that says what is wrong.
	ErrMalformed = errors.New("moduli: malformed")
	// ErrClaim means a well-formed line that does not even say that N is a safe
	// prime and was tested.
	ErrClaim = errors.New("moduli: not said to be a tested safe prime")
)

// malformed is ErrMalformed with a reason.
func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }

var (
	errFields     = malformed("a line has seven fields with single spaces between them")
	errTime       = malformed("the time is not of the form YYYYMMDDHHMMSS, in the years 0 to 9999")
	errDecimal    = malformed("type, tests, tries and size are decimal numbers below 2^31")
	errGenerator  = malformed("the generator is not a number below 2^31")
	errHex        = malformed("the modulus is not a number in upper-case hex without leading zeros")
	errSizeField  = malformed("the size is not that of the modulus, in bits, less one")
	errLineLength = malformed("a line has at most 16 KiB")
	errFileLength = malformed("a file has at most 16 MiB")
)

// OpenSSHLine is a line of a file in OpenSSH's format.
type OpenSSHLine struct {
	Number  int       // from 1; comments and empty lines count
	Modulus Modulus   // not proved
	Time    time.Time // when the modulus was tested last, as the line says
}

// ReadOpenSSH returns the moduli of a file in OpenSSH's format, line by line.
// With a line that is refused comes the error of [ParseOpenSSH], and the next
// line follows:
//
//	for line, err := range moduli.ReadOpenSSH(file) {
//		if err == nil {
//			err = line.Modulus.Verify(ctx)
//		}
//		if err != nil {
//			fmt.Printf("line %d: %v\n", line.Number, err)
//			continue
//		}
//		// line.Modulus is a modulus.
//	}
//
// Lines end in LF or CRLF; comments start with #. An error of r, a line of more
// than 16 KiB or a file of more than 16 MiB, both ErrMalformed, is the last that
// comes. The sequence reads r, so that it can be ranged over once.
func ReadOpenSSH(r io.Reader) iter.Seq2[OpenSSHLine, error] {
	return func(yield func(OpenSSHLine, error) bool) {
		in := bufio.NewReaderSize(r, maxOpenSSHLine)
		size := 0
		for number, err := 1, error(nil); err == nil; number++ {
			var text []byte
			text, err = in.ReadSlice('\n')
			size += len(text)
			switch {
			case err == bufio.ErrBufferFull:
				err = errLineLength
			case size > maxOpenSSH:
				err = errFileLength
			}
			if err != nil && err != io.EOF {
				yield(OpenSSHLine{Number: number}, err)
				return
			}
			line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
			if strings.TrimSpace(line) == "" || line[0] == '#' {
				continue
			}
			m, t, refused := ParseOpenSSH(line)
			if !yield(OpenSSHLine{number, m, t}, refused) {
				return
			}
		}
	}
}

// ParseOpenSSH reads one line of OpenSSH's format, without its line end, and
// returns the modulus and the time of its last test. It is strict: numbers have
// the one spelling that ssh-keygen writes, and the size must be that of N.
// Anything else, comments and empty lines included, is ErrMalformed.
//
// A line of another type than 2 (safe prime), found composite or never tested
// is ErrClaim: sshd refuses it, too. ErrSize is an N that this package does not
// take, ErrGenerator a g below 2. What the line claims is not proved:
// [Modulus.Verify] does that.
func ParseOpenSSH(line string) (Modulus, time.Time, error) {
	m, t, err := parseOpenSSH(line)
	if err != nil {
		return Modulus{}, time.Time{}, err
	}
	return m, t, nil
}

func parseOpenSSH(line string) (m Modulus, t time.Time, err error) {
	if len(line) > maxOpenSSHLine {
		return m, t, errLineLength
	}
	fields := strings.Split(line, " ")
	if len(fields) != 7 {
		return m, t, errFields
	}
	t, err = time.Parse(opensshTime, fields[0])
	if err != nil || t.Format(opensshTime) != fields[0] { // Parse takes fractions of a second
		return m, t, errTime
	}
	kind, ok1 := parseNumber(fields[1], 10)
	tests, ok2 := parseNumber(fields[2], 10)
	tries, ok3 := parseNumber(fields[3], 10)
	size, ok4 := parseNumber(fields[4], 10)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return m, t, errDecimal
	}
	g, ok := parseNumber(fields[5], 16)
	if !ok {
		return m, t, errGenerator
	}
	n, ok := parseHex(fields[6])
	if !ok {
		return m, t, errHex
	}
	if size+1 != 8*(len(n)-1)+bits.Len8(n[0]) {
		return m, t, errSizeField
	}
	if kind != opensshType || tests&1 != 0 || tests == 0 || tries == 0 {
		return m, t, ErrClaim
	}
	m = Modulus{N: n, G: g}
	return m, t, m.checkForm()
}

// parseNumber reads a number below 2^31, to be the same on every machine, in
// the one spelling that it has.
func parseNumber(s string, base int) (int, bool) {
	n, err := strconv.ParseUint(s, base, 31)
	return int(n), err == nil && strconv.FormatUint(n, base) == s
}

// parseHex reads upper-case hex without leading zeros.
func parseHex(s string) ([]byte, bool) {
	if s == "" || s[0] == '0' || s != strings.ToUpper(s) {
		return nil, false
	}
	if len(s)%2 != 0 {
		s = "0" + s
	}
	n, err := hex.DecodeString(s)
	return n, err == nil
}

// checkForm checks what every format of this package demands of a modulus.
func (m Modulus) checkForm() error {
	if err := m.checkSize(); err != nil {
		return err
	}
	if m.G < 2 {
		return ErrGenerator
	}
	if m.G > math.MaxInt32 {
		return errGenerator
	}
	return nil
}

// AppendOpenSSH appends m to b as a line of OpenSSH's format, with its line
// end. The line says that N was sieved, passed 100 rounds of Miller–Rabin at
// the time tested, and is safe; the caller knows so by [Modulus.Verify]. It
// returns b and ErrSize, ErrGenerator or ErrMalformed if ParseOpenSSH would not
// read the line.
func (m Modulus) AppendOpenSSH(b []byte, tested time.Time) ([]byte, error) {
	if err := m.checkForm(); err != nil {
		return b, err
	}
	tested = tested.UTC()
	if year := tested.Year(); year < 0 || year > 9999 {
		return b, errTime
	}
	return fmt.Appendf(b, "%s %d %d %d %d %x %X\n", tested.Format(opensshTime),
		opensshType, opensshTests, opensshTries, m.Bits()-1, m.G, m.N), nil
}
