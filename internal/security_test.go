package internal_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// applications is what the test column says of a duty that the module cannot
// test.
const applications = "the application's"

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	rule     = regexp.MustCompile(`^[-:| ]*---[-:| ]*$`) // below a table's head
	testName = regexp.MustCompile(`^(Test|Fuzz)([A-Z0-9_]\w*)?…?$`)
)

// unfoundTests returns one line for each test that the Markdown text doc names
// and packages does not have. It also returns one for each row of a table whose
// column "test" names no test, file or package and does not say that the duty is
// the application's. The keys of packages are paths below the module's root.
func unfoundTests(doc string, packages map[string]testedPackage) (bad []string) {
	var head []string // of the table that the line is in
	tables := 0
	for i, line := range strings.Split(doc, "\n") {
		var why []string
		cells, isRow := cellsOf(line)
		switch {
		case !isRow:
			head = nil
			why = unfoundInText(line, packages)
		case head == nil:
			head = cells
			tables++
			if !slices.Contains(head, "test") {
				why = []string{"the table has no column for the test"}
			}
		case !rule.MatchString(line):
			why = unfoundInRow(head, cells, packages)
		}
		for _, w := range why {
			bad = append(bad, fmt.Sprintf("line %d: %s", i+1, w))
		}
	}
	if tables == 0 {
		bad = append(bad, "there is no table")
	}
	return bad
}

// cellsOf splits a row of a table.
func cellsOf(line string) (cells []string, isRow bool) {
	if !strings.HasPrefix(line, "|") {
		return nil, false
	}
	line = strings.TrimSuffix(strings.TrimSpace(line[1:]), "|")
	for cell := range strings.SplitSeq(line, "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	return cells, true
}

func unfoundInRow(head, cells []string, packages map[string]testedPackage) (bad []string) {
	if len(cells) != len(head) {
		return []string{fmt.Sprintf("%d columns below a head of %d", len(cells), len(head))}
	}
	for i, cell := range cells {
		if head[i] == "test" {
			bad = append(bad, unfoundInCell(cell, packages)...)
		} else {
			bad = append(bad, unfoundInText(cell, packages)...)
		}
	}
	return bad
}

func unfoundInText(text string, packages map[string]testedPackage) (bad []string) {
	for _, name := range codeSpans(text) {
		if testName.MatchString(name) {
			bad = append(bad, unfound(name, nil, packages)...)
		}
	}
	return bad
}

// unfoundInCell checks one cell of a test column. Semicolons separate its
// parts. A part may start with packages and a colon; each of these packages
// must then have everything that the part names.
func unfoundInCell(cell string, packages map[string]testedPackage) (bad []string) {
	names := codeSpans(cell)
	if len(names) == 0 && !strings.Contains(cell, applications) {
		return []string{fmt.Sprintf("%q names no test, file or package", cell)}
	}
	for part := range strings.SplitSeq(cell, ";") {
		names, in := codeSpans(part), []string(nil)
		if head, rest, ok := strings.Cut(part, ":"); ok && allAreDirectories(codeSpans(head)) {
			in, names = codeSpans(head), codeSpans(rest)
			if len(names) == 0 {
				bad = append(bad, fmt.Sprintf("%q names no test or file", strings.TrimSpace(part)))
			}
		}
		for _, pkg := range in {
			if _, ok := packages[pkg]; !ok {
				bad = append(bad, fmt.Sprintf("no package with tests is at %s", pkg))
			}
		}
		for _, name := range names {
			bad = append(bad, unfound(name, in, packages)...)
		}
	}
	return bad
}

// unfound returns one line for each of the packages in that does not have name.
// If in is empty, one package of the module must have it.
func unfound(name string, in []string, packages map[string]testedPackage) (bad []string) {
	isTest, isFile := testName.MatchString(name), strings.HasSuffix(name, "_test.go")
	if !isTest && !isFile {
		if _, ok := packages[name]; !ok {
			bad = append(bad, fmt.Sprintf("%s is not a test, a test file or a package with tests", name))
		}
		return bad
	}
	has := func(p testedPackage) bool {
		return isTest && p.hasTest(name) || isFile && slices.Contains(p.files, name)
	}
	for _, pkg := range in {
		if !has(packages[pkg]) {
			bad = append(bad, fmt.Sprintf("%s has no %s", pkg, name))
		}
	}
	if len(in) > 0 {
		return bad
	}
	for _, p := range packages {
		if has(p) {
			return nil
		}
	}
	return []string{fmt.Sprintf("no package has %s", name)}
}

// codeSpans returns the texts between backticks.
func codeSpans(text string) (spans []string) {
	for _, match := range codeSpan.FindAllStringSubmatch(text, -1) {
		spans = append(spans, match[1])
	}
	return spans
}

// allAreDirectories reports whether there are names and none of them is a test
// or a Go file.
func allAreDirectories(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool {
		return testName.MatchString(name) || strings.HasSuffix(name, ".go")
	})
}

func TestSecurityNamesTestsThatExist(t *testing.T) {
	doc, err := os.ReadFile("../SECURITY.md")
	require.NoError(t, err)
	packages := testedPackages(t, "..")
	require.True(t, packages["internal"].hasTest(t.Name()))
	require.Contains(t, packages, "internal/interop", "the tests of nested modules count")
	for _, v := range unfoundTests(string(doc), packages) {
		t.Error("SECURITY.md: " + v)
	}
}

func TestSecurityCheckerSees(t *testing.T) {
	packages := map[string]testedPackage{
		"srp":      {[]string{"attack_test.go"}, []string{"TestAttack01_A", "TestLogin", "FuzzLogins"}},
		"opaque":   {[]string{"login_test.go"}, []string{"TestLogin", "TestAttack"}},
		"wrap/sub": {[]string{"wrap_test.go"}, nil},
	}
	const head = "| attack | test |\n|---|:-:|\n"
	for _, c := range []struct {
		doc string
		bad string // part of the one violation, or nothing
	}{
		{head + "| a | `TestLogin` |", ""},
		{head + "| a | `TestLogin`, which counts, `FuzzLogins` |", ""},
		{head + "| a | `TestAttack01_…` |", ""},
		{head + "| a | the `Fuzz…` targets |", ""},
		{head + "| a | `srp`: `TestAttack01_A` |", ""},
		{head + "| a | `srp`, `opaque`: `TestLogin` |", ""},
		{head + "| a | `srp`: `TestAttack01_A`; `opaque`: `TestAttack` |", ""},
		{head + "| a | `TestLogin`: every field |", ""},
		{head + "| a | `wrap/sub` |", ""},
		{head + "| a | `srp`: `attack_test.go` |", ""},
		{head + "| a | `attack_test.go` |", ""},
		{head + "| a | the application's |", ""},
		{head + "| a | the application's: its documentation |", ""},
		{head + "| a | `TestLogin`; for strangers the application's |", ""},
		{head + "| a | `TestLogin` |\n\n`FuzzLogins` plays, see `Server.Login`", ""},

		{head + "| a | `TestLogout` |", "no package has TestLogout"},
		{head + "| a | `TestLogin`, `TestLogout` |", "no package has TestLogout"},
		{head + "| a | `TestLogi` |", "no package has TestLogi"},
		{head + "| a | `TestAttack02_…` |", "no package has TestAttack02_…"},
		{head + "| a | `TestLogin…` |", "no package has TestLogin…"},
		{head + "| a | `FuzzNothing` |", "no package has FuzzNothing"},
		{head + "| a | `opaque`: `TestAttack01_A` |", "opaque has no TestAttack01_A"},
		{head + "| a | `srp`, `opaque`: `FuzzLogins` |", "opaque has no FuzzLogins"},
		{head + "| a | `srp`: `TestLogin`; `opaque`: `FuzzLogins` |", "opaque has no FuzzLogins"},
		{head + "| a | `opaque`: `attack_test.go` |", "opaque has no attack_test.go"},
		{head + "| a | `kdf_test.go` |", "no package has kdf_test.go"},
		{head + "| a | `kdf` |", "kdf is not a test"},
		{head + "| a | `srp`: every test |", "names no test or file"},
		{head + "| a | `testLogin` |", "testLogin is not a test"},
		{head + "| | |", `"" names no test`},
		{head + "| a | |", `"" names no test`},
		{head + "| a | tried by hand |", `"tried by hand" names no test`},
		{head + "| a | `TestLogout`; the application's |", "no package has TestLogout"},
		{head + "| a |", "1 columns below a head of 2"},
		{"| attack | what holds |\n|---|---|\n| a | `TestLogin` |", "no column for the test"},
		{head + "| a | `TestLogin` |\n\n`TestLogout` plays", "line 5: no package has TestLogout"},
		{head + "| a, unlike `TestLogout` | `TestLogin` |", "line 3: no package has TestLogout"},
		{"`TestLogin` alone", "there is no table"},
	} {
		got := unfoundTests(c.doc, packages)
		if c.bad == "" {
			require.Empty(t, got, c.doc)
			continue
		}
		require.Len(t, got, 1, c.doc)
		require.Contains(t, got[0], c.bad, c.doc)
	}
	// A package that does not exist is named, and so is what it would have.
	require.Len(t, unfoundTests(head+"| a | `kdf`: `TestLogin` |", packages), 2)
}
