package main

import (
	"flag"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/moduli"
)

// checkBits refuses an invalid size.
func checkBits(fs *flag.FlagSet, bits int) error {
	if bits < moduli.MinBits || bits > moduli.MaxBits || bits%8 != 0 {
		return cli.Misuse(fs, "-bits %d is not a multiple of 8 from %d to %d: use 2048, 3072 or 4096, or 512 for a test",
			bits, moduli.MinBits, moduli.MaxBits)
	}
	return nil
}

// maxWorkers bounds the number of cores.
const maxWorkers = 1024

func checkWorkers(fs *flag.FlagSet, workers int) error {
	if workers < 0 || workers > maxWorkers {
		return cli.Misuse(fs, "-workers must be from 1 to %d, or 0 for all cores", maxWorkers)
	}
	return nil
}
