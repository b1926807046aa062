package main

import (
	"bytes"
	"context"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBench(t *testing.T) {
	out, _, err := call(t, "bench", "-bits", "512", "-searches", "3", "-least", "0", "-openssl", "1", "-pairs", "2")
	require.NoError(t, err)
	require.Contains(t, out, "512 bits, ")
	require.Regexp(t, `ours, whole searches +3 +[0-9.e-]+ +± [0-9.e-]+ +[0-9.e-]+ +[0-9.e-]+`, out)
	require.Regexp(t, `ours, by slots +3 +[0-9.e-]+`, out)
	require.Regexp(t, `By slots: [0-9.]+ µs × 15,8[0-9]+, of [0-9,]+ in `, out)
	if _, err := exec.LookPath("openssl"); err == nil {
		require.Regexp(t, `openssl dhparam -2 +1 +[0-9.e-]+ +- +`, out)
		require.Regexp(t, `OpenSSL takes [0-9.]+ × as long as ours by slots, and [0-9.]+ × as long as our whole searches\.`, out)
	}
	if runtime.GOMAXPROCS(0) > 1 {
		require.Regexp(t, `Two cores pass [0-9.]+ × the slots per second of one: [0-9,]+ against [0-9,]+\.`, out)
	}
}

func TestBenchWithoutOpenSSL(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	out, errOut, err := call(t, "bench", "-bits", "512", "-searches", "1", "-least", "0", "-pairs", "0")
	require.NoError(t, err)
	require.Contains(t, errOut, "There is no openssl here: ours is measured alone.\n")
	require.Contains(t, out, "ours, by slots")
	require.NotContains(t, out, "penSSL")
	require.NotContains(t, out, "Two cores")
}

func TestBenchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, []string{"bench", "-bits", "512"}, &out, new(bytes.Buffer)), context.Canceled)
	require.Empty(t, out.String())
}
