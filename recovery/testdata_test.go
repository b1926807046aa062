package recovery_test

import (
	"embed"
	"flag"
)

//go:embed testdata
var testdata embed.FS

var update = flag.Bool("update", false, "write new known answers to testdata/keyring.json")
