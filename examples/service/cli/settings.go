package main

import (
	"context"
	"fmt"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/kdf"
)

const settingsUsage = `
[-iterations N] [flags]

Prints the number of iterations with which this device stretches the password,
or sets it, from 210000 to 67108864. Neither the server nor another device knows
it. More iterations make a stolen device slower to attack, and this program
slower.

Input: with -iterations, the password.
`

func settings(ctx context.Context, d *device, args []string) error {
	n := d.flags.Int("iterations", 0, "`number` of iterations of PBKDF2 with SHA-512")
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	set := cli.Given(d.flags, "iterations")
	if set {
		if err := checkIterations(*n); err != nil {
			return cli.Misuse(d.flags, "-iterations must be from 210000 to %d", 1<<26)
		}
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	if set {
		if err := d.setIterations(ctx, *n); err != nil {
			return err
		}
	}
	current, err := d.DeviceIterations(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "iterations: %d\n", current)
	return err
}

func checkIterations(n int) error {
	params, err := kdf.NewPBKDF2SHA512(n)
	if err != nil {
		return err
	}
	return kdf.Policy{}.Check(params)
}

func (d *device) setIterations(ctx context.Context, n int) error {
	password, err := d.secret(ctx, "Password")
	if err != nil {
		return err
	}
	defer clear(password)
	if _, err := d.Unlock(ctx, password); err != nil {
		return err
	}
	d.warn(ctx)
	return d.SetDeviceIterations(ctx, password, n)
}
