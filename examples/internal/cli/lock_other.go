//go:build !unix

package cli

// Lock does nothing, because this system has no lock that ends with its
// process.
func Lock(string) (unlock func(), err error) { return func() {}, nil }
