package main

import (
	"os"
	"strings"
)

// commandLine is a command as it can be typed into a shell.
func commandLine(args ...string) string {
	program := quote(os.Args[0])
	if strings.Contains(os.Args[0], "go-build") { // the go command has made it for this run alone
		program = "go run github.com/nescio-go/nescio/examples/moduli"
	}
	for _, arg := range args {
		program += " " + quote(arg)
	}
	return program
}

func quote(arg string) string {
	safe := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_=+./:,@%", r)
	}
	if arg != "" && strings.TrimFunc(arg, safe) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
