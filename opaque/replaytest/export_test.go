package replaytest

// Tester is what the checks use of a testing.T.
type Tester = tester

// Check is Run for a Tester.
var Check = check

// CheckOnly checks one property.
func CheckOnly(t Tester, name string, open Opener) {
	for _, p := range properties {
		if p.name == name {
			checkOne(t, p, open)
		}
	}
}

// Properties returns the names of all subtests.
func Properties() (names []string) {
	for _, p := range properties {
		names = append(names, p.name)
	}
	return names
}

// Opener opens the store under test.
type Opener = opener
