//go:build !unix

package cli

import (
	"os"
	"syscall"
)

// stopSignals end the context of a command.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}
