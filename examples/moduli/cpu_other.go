//go:build !unix

package main

import "time"

// processTime is for systems that the standard library can ask for it.
func processTime() (time.Duration, bool) { return 0, false }
