package moduli

import (
	"bufio"
	"encoding/hex"
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
// format of moduli(5). It has comments, empty lines, and lines of seven fields
// separated by single spaces.
//
//	time YYYYMMDDHHMMSS, UTC ‖ type ‖ tests ‖ tries ‖ bits − 1 ‖ g in hex ‖ N in hex
//
// Type 2 is a safe prime. Tests is a sum: 1 if N was found composite, 2 if it
// was sieved, 4 if it passed Miller–Rabin. Tries is the number of
// Miller–Rabin rounds.
const (
	opensshTime = "20060102150405"
	opensshType = 2

	// "ssh-keygen -M screen" writes these tests and tries after a sieve, and
	// the lines of OpenSSH's own file have them. Its lines are therefore
	// written as they were read. sshd reads tries only to refuse 0.
	opensshTests = 2 | 4
	opensshTries = 100

	// maxOpenSSHLine has room for moduli that are too large for this package.
	maxOpenSSHLine = 16 << 10
	// maxOpenSSH is more than twenty times the size of OpenSSH's own file.
	maxOpenSSH = 16 << 20
)

var (
	errFields     = malformed("a line must have seven fields separated by single spaces")
	errTime       = malformed("the time is not of the form YYYYMMDDHHMMSS, in the years 0 to 9999")
	errClaim      = malformed("the line does not claim that N is a tested safe prime")
	errDecimal    = malformed("type, tests, tries and size must be decimal numbers below 2^31")
	errGenerator  = malformed("the generator is not a number below 2^31")
	errHex        = malformed("the modulus is not a number in upper-case hex without leading zeros")
	errSizeField  = malformed("the size is not the size of the modulus in bits minus one")
	errLineLength = malformed("a line is longer than 16 KiB")
	errFileLength = malformed("a file is longer than 16 MiB")
)

// OpenSSHLine is a line of moduli(5).
type OpenSSHLine struct {
	Number  int // from 1
	Modulus Modulus
	Time    time.Time // of the last test
}

// ReadOpenSSH yields the lines of a moduli(5) file, or the errors of
// [ParseOpenSSH]. It stops at an error of r, a line above 16 KiB, and after 16
// MiB.
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

// ParseOpenSSH reads a line, which must claim a tested safe prime, and returns
// the time of the test. It returns [ErrSize], [ErrGenerator] or [ErrMalformed].
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
		return m, t, errClaim
	}
	m = Modulus{N: n, G: g}
	return m, t, m.checkForm()
}

// parseNumber reads a number in its one spelling. Because it must be below
// 2^31, all machines read the same lines.
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

// checkForm checks what every format of this package requires of a modulus.
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

// AppendOpenSSH appends a line that claims a tested safe prime: call
// [Modulus.Verify] first. It returns errors like [ParseOpenSSH].
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
