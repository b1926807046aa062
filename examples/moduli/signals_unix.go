//go:build unix

package main

import (
	"os"
	"syscall"
)

// stopSignals end a command after it has saved its search.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
