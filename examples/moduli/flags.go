package main

import (
	"flag"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

// checkBits refuses a size that no search has.
func checkBits(fs *flag.FlagSet, bits int) error {
	if bits < moduli.MinBits || bits > moduli.MaxBits || bits%8 != 0 {
		return cli.Misuse(fs, "-bits %d is not a multiple of 8 from %d to %d: take 2048, 3072 or 4096, or 512 for a test",
			bits, moduli.MinBits, moduli.MaxBits)
	}
	return nil
}

// maxWorkers is more cores than anybody has.
const maxWorkers = 1024

func checkWorkers(fs *flag.FlagSet, workers int) error {
	if workers < 0 || workers > maxWorkers {
		return cli.Misuse(fs, "-workers is from 1 to %d, or 0 for all cores", maxWorkers)
	}
	return nil
}
