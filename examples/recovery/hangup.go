//go:build unix || windows

package main

import "syscall"

// A terminal that goes away, and its key that asks for a dump, are to leave nothing
// behind either.
func init() { signals = append(signals, syscall.SIGHUP, syscall.SIGQUIT) }
