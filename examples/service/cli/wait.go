package main

import (
	"context"
	"errors"
	"time"

	"github.com/nescio-go/nescio/examples/service/client"
)

// pause is between two questions to the server. Tests replace it.
var pause = func(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Second):
		return nil
	}
}

// maxAway is how often in a row the server may not answer while a person waits.
const maxAway = 10

// wait asks the server until the other side has answered.
func wait[T any](ctx context.Context, d *device, step string, ask func(context.Context) (T, error)) (T, error) {
	d.step(step + " (Ctrl-C ends it)")
	defer d.clear()
	for missed := 0; ; {
		out, err := ask(ctx)
		switch {
		case errors.Is(err, client.ErrNotYet):
			missed = 0
		case away(err) != "" && missed < maxAway:
			missed++
		default:
			return out, err
		}
		if err := pause(ctx); err != nil {
			return out, err
		}
	}
}
