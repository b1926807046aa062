//go:build !long

package testvec

// Long reports whether the long sweeps run: go test -tags long, as the gate does.
const Long = false
