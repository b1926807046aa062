package kdf_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

// TestSamplesEndOnTime: a run of exactly 200 ms is a sample, and five of them
// are enough.
func TestSamplesEndOnTime(t *testing.T) {
	for _, a := range []kdf.Algorithm{kdf.Argon2id, kdf.Scrypt} {
		m := newMachine(0, 200*ms, 200*ms)
		m.calibrate(t, a, ms, kdf.Policy{})
		require.Equal(t, 1+5, m.runs)
	}
}

// TestCalibrateWhereThereIsOneChoice: a floor that is the ceiling.
func TestCalibrateWhereThereIsOneChoice(t *testing.T) {
	for _, c := range []struct {
		a    kdf.Algorithm
		pol  kdf.Policy
		want string
	}{
		{kdf.PBKDF2SHA512, kdf.Policy{PBKDF2SHA512: kdf.PBKDF2Limits{Min: 300_000, Max: 300_000}}, "i=300000"},
		{kdf.Argon2id, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 38 << 10, MaxPasses: 1, MaxWork: 38 << 10}}, "m=38912,t=1,p=4"},
		{kdf.Scrypt, kdf.Policy{Scrypt: kdf.ScryptLimits{MaxMemory: 1 << 16}}, "ln=16,r=8,p=1"},
	} {
		for _, speed := range []time.Duration{ms, time.Hour} {
			r := newMachine(speed, speed, speed).calibrate(t, c.a, 0, c.pol)
			require.Equal(t, c.want, costsOf(r.Params))
			require.Equal(t, speed == time.Hour, r.AtFloor)
			require.Equal(t, speed == ms, r.AtCeiling)
		}
	}
}

// TestCalibrateGoesAsFarAsParametersDo where policy and machine allow it.
func TestCalibrateGoesAsFarAsParametersDo(t *testing.T) {
	if math.MaxInt == math.MaxInt32 {
		return // no machine with such integers has the memory
	}
	for a, want := range map[kdf.Algorithm]string{kdf.PBKDF2SHA512: "i=2147483647", kdf.Argon2id: "m=2147483647,t=1,p=4", kdf.Scrypt: "ln=28,r=8,p=1"} {
		m := newMachine(time.Microsecond, time.Microsecond, time.Microsecond)
		r := m.calibrate(t, a, 1e6*time.Second, kdf.Policy{
			PBKDF2SHA512: kdf.PBKDF2Limits{Max: math.MaxUint32},
			Argon2id:     kdf.Argon2idLimits{MaxMemory: math.MaxUint32, MaxPasses: 1, MaxWork: math.MaxUint64},
			Scrypt:       kdf.ScryptLimits{MaxMemory: math.MaxUint32},
		})
		require.Equal(t, want, costsOf(r.Params))
		require.True(t, r.AtCeiling)
	}
}

func TestReportIsRoundedToMilliseconds(t *testing.T) {
	r := kdf.Report{Params: kdf.Default(), Target: time.Second, Measured: 1_234_567_890}
	require.Equal(t, "$argon2id$v=19$m=65536,t=3,p=4 takes 1.235s of 1s", r.String())
}

// TestCalibrateOnTheEdge: what is exactly the floor or the ceiling was not
// decided by it.
func TestCalibrateOnTheEdge(t *testing.T) {
	for _, c := range []struct {
		a   kdf.Algorithm
		pol kdf.Policy
	}{
		{kdf.PBKDF2SHA512, kdf.Policy{}},
		{kdf.PBKDF2SHA512, kdf.Policy{PBKDF2SHA512: kdf.PBKDF2Limits{Max: 210_000}}},
		{kdf.Scrypt, kdf.Policy{}},
	} {
		r := newMachine(210*ms, 0, 210*ms).calibrate(t, c.a, 210*ms, c.pol)
		require.False(t, r.AtFloor)
		require.False(t, r.AtCeiling)
	}
}

// TestCalibrateWhereTimeGrowsFaster than the costs: with a power of them. What
// it measured is corrected up to three times, as often as it is off by more
// than five percent, and the floor holds.
func TestCalibrateWhereTimeGrowsFaster(t *testing.T) {
	for _, c := range []struct {
		power  float64
		floor  time.Duration
		pol    kdf.Argon2idLimits
		off    float64
		chosen int // how many parameters it measured; 0: any number
	}{
		{1.01, 38 * ms, desktop.Argon2id, 0.05, 4},
		{1.02, 38 * ms, desktop.Argon2id, 0.05, 4},
		{1.15, 38 * ms, desktop.Argon2id, 0.05, 4},
		{3, 500 * ms, kdf.Argon2idLimits{}, 0.5, 0},
		{3, 500 * ms, kdf.Argon2idLimits{MaxMemory: 20 << 10}, 0.5, 0},
	} {
		now, chosen := time.Unix(0, 0), make(map[kdf.Params]bool)
		r, err := kdf.CalibrateWith(t.Context(), kdf.Argon2id, 0, kdf.Policy{Argon2id: c.pol}, func() time.Time { return now },
			func(_ context.Context, p kdf.Params) error {
				chosen[p] = true
				now = now.Add(time.Duration(float64(c.floor) * math.Pow(float64(p.Cost())/(38<<10), c.power)))
				return nil
			})
		require.NoError(t, err, c.power)
		require.NoError(t, kdf.Policy{Argon2id: c.pol}.Check(r.Params))
		require.InDelta(t, float64(time.Second), float64(r.Measured), c.off*float64(time.Second), c.power)
		require.LessOrEqual(t, r.Measured, 1050*ms, c.power)
		if c.chosen > 0 {
			require.Len(t, chosen, c.chosen, c.power)
		}
	}
}

// TestCalibrateStartsNothingAfterACancel, with a Gate or without.
func TestCalibrateStartsNothingAfterACancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	run := func(context.Context, kdf.Params) error { t.Error("it ran"); return context.Canceled }
	for _, a := range []kdf.Algorithm{kdf.PBKDF2SHA512, kdf.Argon2id, kdf.Scrypt} {
		for _, gate := range []*kdf.Gate{nil, kdf.NewGate(1)} {
			_, err := kdf.CalibrateWith(ctx, a, 0, kdf.Policy{Gate: gate}, time.Now, run)
			require.ErrorIs(t, err, context.Canceled)
		}
	}
}
