package kdf_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

// machine is a clock that a simulated derivation moves.
type machine struct {
	now     time.Time
	perUnit map[kdf.Algorithm]float64 // nanoseconds a unit of Params.Cost takes
	noise   func(m *machine) float64  // how much slower it is just now
	runs    int
	last    kdf.Params // what ran last
	chosen  []kdf.Params
	most    kdf.Params // of the largest memory that ran
}

func newMachine(pbkdf2, argon2id, scrypt time.Duration) *machine {
	return &machine{
		now: time.Unix(0, 0),
		perUnit: map[kdf.Algorithm]float64{ // given for the floors
			kdf.PBKDF2SHA512: float64(pbkdf2) / 210_000,
			kdf.Argon2id:     float64(argon2id) / (38 << 10),
			kdf.Scrypt:       float64(scrypt) / (1 << 19),
		},
		noise: func(*machine) float64 { return 1 },
	}
}

func (m *machine) run(_ context.Context, p kdf.Params) error {
	m.runs++
	if p != m.last {
		m.chosen = append(m.chosen, p)
	}
	m.last = p
	if p.Memory() > m.most.Memory() {
		m.most = p
	}
	m.now = m.now.Add(time.Duration(m.noise(m) * m.perUnit[p.Algorithm()] * float64(p.Cost())))
	return nil
}

func (m *machine) calibrate(t *testing.T, a kdf.Algorithm, target time.Duration, pol kdf.Policy) kdf.Report {
	r, err := kdf.CalibrateWith(t.Context(), a, target, pol, func() time.Time { return m.now }, m.run)
	require.NoError(t, err)
	require.Empty(t, r.Params.Salt())
	require.NoError(t, pol.Check(r.Params), "what it chooses the policy allows")
	return r
}

const ms = time.Millisecond

// desktop allows more memory than the zero policy: 1 GiB.
var desktop = kdf.Policy{
	Argon2id: kdf.Argon2idLimits{MaxMemory: 1 << 20},
	Scrypt:   kdf.ScryptLimits{MaxMemory: 1 << 20},
}

// costsOf is the last field of the text form.
func costsOf(p kdf.Params) string {
	text := p.String()
	return text[strings.LastIndex(text, "$")+1:]
}

func TestCalibrate(t *testing.T) {
	phone := kdf.Policy{
		Argon2id: kdf.Argon2idLimits{MaxMemory: 128 << 10},
		Scrypt:   kdf.ScryptLimits{MaxMemory: 128 << 10},
	}
	for _, c := range []struct {
		name      string
		a         kdf.Algorithm
		atFloor   time.Duration // the machine's time for the policy's floor
		target    time.Duration
		pol       kdf.Policy
		want      string
		measured  time.Duration
		isFloor   bool
		isCeiling bool
	}{
		{"iterations in proportion", kdf.PBKDF2SHA512, 210 * ms, 1000 * ms, kdf.Policy{}, "i=1000000", 1000 * ms, false, false},
		{"a target of its own", kdf.PBKDF2SHA512, 210 * ms, 500 * ms, kdf.Policy{}, "i=500000", 500 * ms, false, false},
		{"the default target", kdf.PBKDF2SHA512, 210 * ms, 0, kdf.Policy{}, "i=1000000", 1000 * ms, false, false},
		{"a slow machine stays at the floor", kdf.PBKDF2SHA512, 2100 * ms, 1000 * ms, kdf.Policy{}, "i=210000", 2100 * ms, true, false},
		{"a very slow one too", kdf.PBKDF2SHA512, 10000 * ms, 1000 * ms, kdf.Policy{}, "i=210000", 10000 * ms, true, false},
		{"a fast one at the ceiling", kdf.PBKDF2SHA512, 2100 * time.Microsecond, 1000 * ms, kdf.Policy{}, "i=67108864", 671088 * time.Microsecond, false, true},

		{"memory first", kdf.Argon2id, 38 * ms, 500 * ms, desktop, "m=512000,t=1,p=4", 500 * ms, false, false},
		{"then passes", kdf.Argon2id, 38 * ms, 3500 * ms, desktop, "m=1048576,t=3,p=4", 3072 * ms, false, false},
		{"memory that a phone has", kdf.Argon2id, 38 * ms, 1000 * ms, kdf.Policy{}, "m=262144,t=4,p=4", 1024 * ms, false, false},
		{"memory as given", kdf.Argon2id, 38 * ms, 1000 * ms, phone, "m=131072,t=8,p=4", 1024 * ms, false, false},
		{"passes to the ceiling", kdf.Argon2id, 380 * time.Microsecond, 1000 * ms, phone, "m=131072,t=32,p=4", 40960 * time.Microsecond, false, true},
		{"a slow machine stays at the floor", kdf.Argon2id, 1200 * ms, 1000 * ms, kdf.Policy{}, "m=38912,t=1,p=4", 1200 * ms, true, false},
		{"the floor in less memory", kdf.Argon2id, 38 * ms, 10 * ms, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 20 << 10}},
			"m=20480,t=2,p=4", 40 * ms, true, false},
		{"no target too long", kdf.Argon2id, 38 * ms, math.MaxInt64, kdf.Policy{}, "m=262144,t=16,p=4", 4096 * ms, false, true},
		{"memory alone", kdf.Argon2id, 39 * ms, 510 * ms, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxPasses: 1, MaxMemory: 1 << 20}},
			"m=507904,t=1,p=4", 509 * ms, false, false},
		{"memory alone, to the ceiling", kdf.Argon2id, 38 * ms, 510 * ms, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxPasses: 1, MaxMemory: 128 << 10}},
			"m=131072,t=1,p=4", 128 * ms, false, true},
		{"the ceiling of memory times passes", kdf.Argon2id, 38 * ms, 500 * ms, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxWork: 100 << 10}},
			"m=102400,t=1,p=4", 100 * ms, false, true},
		{"a floor of more memory", kdf.Argon2id, 38 * ms, 10 * ms, kdf.Policy{Argon2id: kdf.Argon2idLimits{MinMemory: 64 << 10}},
			"m=65536,t=1,p=4", 64 * ms, true, false},
		{"a ceiling that is enough", kdf.Argon2id, 38 * ms, 1000 * ms, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 128 << 10, MaxPasses: 8}},
			"m=131072,t=8,p=4", 1024 * ms, false, false},
		{"few lanes", kdf.Argon2id, 38 * ms, 200 * ms, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxParallelism: 1}},
			"m=204800,t=1,p=1", 200 * ms, false, false},

		{"the largest N within the target", kdf.Scrypt, 150 * ms, 1000 * ms, kdf.Policy{}, "ln=18,r=8,p=1", 600 * ms, false, false},
		{"exactly on it", kdf.Scrypt, 125 * ms, 1000 * ms, desktop, "ln=19,r=8,p=1", 1000 * ms, false, false},
		{"a slow machine stays at the floor", kdf.Scrypt, 1100 * ms, 1000 * ms, kdf.Policy{}, "ln=16,r=8,p=1", 1100 * ms, true, false},
		{"a fast one at the ceiling", kdf.Scrypt, 10 * ms, 1000 * ms, kdf.Policy{}, "ln=18,r=8,p=1", 40 * ms, false, true},
		{"a ceiling that is enough", kdf.Scrypt, 150 * ms, 1000 * ms, kdf.Policy{Scrypt: kdf.ScryptLimits{MaxMemory: 1 << 18}},
			"ln=18,r=8,p=1", 600 * ms, false, false},
		{"memory as given", kdf.Scrypt, 10 * ms, 1000 * ms, phone, "ln=17,r=8,p=1", 20 * ms, false, true},
		{"a floor that is no power of two", kdf.Scrypt, 100 * ms, 100 * ms, kdf.Policy{Scrypt: kdf.ScryptLimits{MinN: 1<<16 + 1}},
			"ln=17,r=8,p=1", 200 * ms, true, false},
	} {
		t.Run(c.a.String()+"/"+c.name, func(t *testing.T) {
			m := newMachine(c.atFloor, c.atFloor, c.atFloor)
			r := m.calibrate(t, c.a, c.target, c.pol)
			require.InDelta(t, float64(c.measured), float64(r.Measured), 0.001*float64(c.measured))
			require.Equal(t, c.isFloor, r.AtFloor, "at the floor")
			require.Equal(t, c.isCeiling, r.AtCeiling, "at the ceiling")
			if ceiling := uint64(c.pol.Argon2id.MaxMemory) << 10; ceiling != 0 {
				require.LessOrEqual(t, m.most.Memory(), ceiling+4<<10, "no more memory was touched")
			} else {
				require.LessOrEqual(t, m.most.Memory(), uint64(256<<20+4<<10), "no more memory was touched")
			}
			require.Equal(t, c.want, costsOf(r.Params))
		})
	}
}

// TestCalibrateTakesTheFastest of its samples: a machine that is busy two
// thirds of the time gets the parameters of one that is idle.
func TestCalibrateTakesTheFastest(t *testing.T) {
	for _, a := range []kdf.Algorithm{kdf.PBKDF2SHA512, kdf.Argon2id, kdf.Scrypt} {
		idle := newMachine(210*ms, 60*ms, 150*ms)
		busy := newMachine(210*ms, 60*ms, 150*ms)
		busy.noise = func(m *machine) float64 {
			if a == kdf.PBKDF2SHA512 {
				return []float64{4, 1, 2}[m.now.UnixMilli()/450%3]
			}
			return []float64{4, 1, 2}[m.runs%3]
		}
		quiet, loud := idle.calibrate(t, a, 0, kdf.Policy{}), busy.calibrate(t, a, 0, kdf.Policy{})
		require.NotContains(t, quiet.String(), "busy")
		require.Contains(t, loud.String(), "the machine is busy or throttled")
		require.Greater(t, loud.Slowest, loud.Measured*3/2)
		require.Equal(t, quiet.Slowest, quiet.Measured)
		loud.Slowest = quiet.Slowest
		require.Equal(t, quiet, loud)
	}
}

// TestCalibrateTakesMemoryInSteps, up to a third of what the process may take.
func TestCalibrateTakesMemoryInSteps(t *testing.T) {
	unlimited := kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 4 << 20}, Scrypt: kdf.ScryptLimits{MaxMemory: 4 << 20}}
	for _, a := range []kdf.Algorithm{kdf.Argon2id, kdf.Scrypt} {
		for _, available := range []uint64{200 << 20, 900 << 20, 2 << 30, math.MaxUint64} {
			m := newMachine(0, ms, ms)
			r, err := kdf.CalibrateWithin(t.Context(), a, time.Second, unlimited, available, func() time.Time { return m.now }, m.run)
			require.NoError(t, err)
			require.LessOrEqual(t, m.most.Memory(), available/3)
			require.Equal(t, available < math.MaxUint64, r.MemoryLimited)
			if r.MemoryLimited {
				require.Greater(t, m.most.Memory(), available/8, "it uses what there is")
				require.Contains(t, r.String(), "the memory that the process may take")
			}
			for i := 1; i < len(m.chosen); i++ {
				require.LessOrEqual(t, m.chosen[i].Memory(), 4*m.chosen[i-1].Memory())
			}
		}
		// Not enough for the floor.
		m := newMachine(0, ms, ms)
		_, err := kdf.CalibrateWithin(t.Context(), a, time.Second, unlimited, 20<<20, func() time.Time { return m.now }, m.run)
		require.ErrorIs(t, err, kdf.ErrExcessive)
		require.ErrorContains(t, err, "memory")
		require.Zero(t, m.runs)
	}
	// The policy decides, not the process.
	m := newMachine(0, ms, ms)
	r, err := kdf.CalibrateWithin(t.Context(), kdf.Argon2id, time.Second, kdf.Policy{}, 900<<20, func() time.Time { return m.now }, m.run)
	require.NoError(t, err)
	require.False(t, r.MemoryLimited)
}

// TestBelowDefault is said.
func TestBelowDefault(t *testing.T) {
	slow := newMachine(0, 500*ms, 0).calibrate(t, kdf.Argon2id, 0, kdf.Policy{})
	require.True(t, slow.BelowDefault())
	require.Contains(t, slow.String(), "below kdf.Default")
	fast := newMachine(0, 38*ms, 0).calibrate(t, kdf.Argon2id, 0, kdf.Policy{})
	require.False(t, fast.BelowDefault())
	require.False(t, newMachine(210*ms, 0, 0).calibrate(t, kdf.PBKDF2SHA512, 0, kdf.Policy{}).BelowDefault())
	require.False(t, kdf.Report{Params: kdf.Default()}.BelowDefault())
}

// TestSamplesAreLong: each of at least 200 ms, at least three of them, together
// at least a second, after one run to warm up.
func TestSamplesAreLong(t *testing.T) {
	for _, target := range []time.Duration{0, time.Hour, ms} {
		m := newMachine(210*ms, 0, 0) // 16.4 ms for the 16,384 iterations of a probe
		m.calibrate(t, kdf.PBKDF2SHA512, target, kdf.Policy{})
		require.Equal(t, 1+5*13, m.runs)
	}
	m := newMachine(0, 0, 1100*ms)
	m.calibrate(t, kdf.Scrypt, 0, kdf.Policy{})
	require.Equal(t, 1+3, m.runs)
	m = newMachine(0, 0, 60*ms)
	m.calibrate(t, kdf.Scrypt, 60*ms, kdf.Policy{})
	require.Equal(t, 1+5*4, m.runs)
}

// TestArgon2idThatGrowsFaster: what was chosen is measured and corrected. A
// machine that runs out of memory gets less of it, and more passes.
func TestArgon2idThatGrowsFaster(t *testing.T) {
	for _, c := range []struct {
		from   uint64 // bytes
		slower float64
		want   string
	}{
		{64 << 20, 1.5, "$argon2id$v=19$m=340992,t=1,p=4"},
		{300 << 20, 20, "$argon2id$v=19$m=244736,t=2,p=4"},
		{64 << 20, 20, "$argon2id$v=19$m=53248,t=10,p=4"},
	} {
		m := newMachine(0, 38*ms, 0)
		m.noise = func(m *machine) float64 {
			if m.last.Memory() > c.from {
				return c.slower
			}
			return 1
		}
		r := m.calibrate(t, kdf.Argon2id, 500*ms, desktop)
		require.Equal(t, c.want, r.Params.String())
		require.LessOrEqual(t, r.Measured, 525*ms)
		for i, p := range m.chosen {
			require.NotContains(t, m.chosen[:i], p, "it knows that already")
		}
		require.False(t, r.AtCeiling)
	}
}

// TestScryptThatGrowsFaster: twice the N may take more than twice the time.
func TestScryptThatGrowsFaster(t *testing.T) {
	m := newMachine(0, 0, 450*ms)
	m.noise = func(m *machine) float64 {
		if m.most.Cost() > 1<<19 {
			return 1.5
		}
		return 1
	}
	r := m.calibrate(t, kdf.Scrypt, 0, kdf.Policy{})
	require.Equal(t, 450*ms, r.Measured)
	require.Equal(t, "$scrypt$ln=16,r=8,p=1", r.Params.String())
	require.False(t, r.AtCeiling)
}

func TestCalibrateRefuses(t *testing.T) {
	run := func(context.Context, kdf.Params) error { t.Error("it ran"); return nil }
	for _, c := range []struct {
		a    kdf.Algorithm
		pol  kdf.Policy
		want error
	}{
		{0, kdf.Policy{}, kdf.ErrUnknown},
		{4, kdf.Policy{}, kdf.ErrUnknown},
		{kdf.Argon2id, kdf.FixedPolicy(kdf.Default()), kdf.ErrUnknown},
		{kdf.PBKDF2SHA512, kdf.Policy{PBKDF2SHA512: kdf.PBKDF2Limits{Max: 209_999}}, kdf.ErrExcessive},
		{kdf.PBKDF2SHA512, kdf.Policy{PBKDF2SHA512: kdf.PBKDF2Limits{Min: math.MaxUint32, Max: math.MaxUint32}}, kdf.ErrExcessive},
		{kdf.Argon2id, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 19<<10 - 1}}, kdf.ErrExcessive},
		{kdf.Argon2id, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 19 << 10, MaxPasses: 1}}, kdf.ErrExcessive},
		{kdf.Argon2id, kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxWork: 38<<10 - 1}}, kdf.ErrExcessive},
		{kdf.Argon2id, kdf.Policy{Argon2id: kdf.Argon2idLimits{MinWork: 1 << 63}}, kdf.ErrExcessive},
		{kdf.Argon2id, kdf.Policy{Argon2id: kdf.Argon2idLimits{MinWork: math.MaxUint64}}, kdf.ErrExcessive},
		{kdf.Argon2id, kdf.Policy{Argon2id: kdf.Argon2idLimits{MinWork: math.MaxUint64, MaxWork: math.MaxUint64}}, kdf.ErrExcessive},
		{kdf.Scrypt, kdf.Policy{Scrypt: kdf.ScryptLimits{MaxMemory: 1<<16 - 1}}, kdf.ErrExcessive},
		{kdf.Scrypt, kdf.Policy{Scrypt: kdf.ScryptLimits{MinN: 1<<31 + 1}}, kdf.ErrExcessive},
	} {
		r, err := kdf.CalibrateWith(t.Context(), c.a, 0, c.pol, time.Now, run)
		require.ErrorIs(t, err, c.want)
		require.Zero(t, r)
	}
	_, err := kdf.Calibrate(t.Context(), 9, 0, kdf.Policy{})
	require.ErrorIs(t, err, kdf.ErrUnknown)
}

// TestCalibratePassesErrorsOn, of every run.
func TestCalibratePassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	for _, a := range []kdf.Algorithm{kdf.PBKDF2SHA512, kdf.Argon2id, kdf.Scrypt} {
		whole := newMachine(210*ms, 10*ms, 20*ms)
		whole.calibrate(t, a, 0, kdf.Policy{})
		for n := range whole.runs {
			m := newMachine(210*ms, 10*ms, 20*ms)
			r, err := kdf.CalibrateWith(t.Context(), a, 0, kdf.Policy{}, func() time.Time { return m.now },
				func(ctx context.Context, p kdf.Params) error {
					if m.runs == n {
						return broken
					}
					return m.run(ctx, p)
				})
			require.ErrorIs(t, err, broken, "run %d of %d", n, whole.runs)
			require.Zero(t, r)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := kdf.Calibrate(ctx, kdf.Argon2id, 0, kdf.Policy{})
	require.ErrorIs(t, err, context.Canceled)
}

// TestCalibrateKeepsAPlaceAtTheGate, so that nothing it times waits there.
func TestCalibrateKeepsAPlaceAtTheGate(t *testing.T) {
	other := must(kdf.NewArgon2id(8, 1, 1)).WithNewSalt()
	otherPol := kdf.FixedPolicy(other)
	otherPol.Gate = kdf.NewGate(1)
	f := must(kdf.New(other, otherPol))
	_, err := kdf.Calibrate(t.Context(), kdf.Argon2id, time.Millisecond, kdf.Policy{Gate: otherPol.Gate})
	require.NoError(t, err, "and it does not wait for itself")
	for _, a := range []kdf.Algorithm{kdf.Argon2id, kdf.Scrypt} {
		m := newMachine(0, 60*ms, 150*ms)
		_, err := kdf.CalibrateWith(t.Context(), a, 0, kdf.Policy{Gate: otherPol.Gate}, func() time.Time { return m.now },
			func(ctx context.Context, p kdf.Params) error {
				short, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				_, err := f.Derive(short, []byte("password"), 32)
				require.ErrorIs(t, err, context.DeadlineExceeded, "the only place is taken")
				return m.run(ctx, p)
			})
		require.NoError(t, err)
		require.NotZero(t, m.runs)
		_, err = f.Derive(t.Context(), []byte("password"), 32)
		require.NoError(t, err, "it is free again")
	}
}

// TestCalibrateMeasuresThisMachine: a derivation by what it chose takes the
// target, where the machine is as fast as while it calibrated at least once in
// five tries. A fiftieth of the iterations is timed, so that some of the
// samples are free of whatever else the machine does.
func TestCalibrateMeasuresThisMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds, and the race detector slows what it measures")
	}
	const target, parts = kdf.DefaultTarget, 50
	var off []float64
	for range 5 {
		r, err := kdf.Calibrate(t.Context(), kdf.PBKDF2SHA512, 0, kdf.Policy{})
		require.NoError(t, err)
		if r.AtFloor {
			require.Greater(t, r.Measured, target)
			return // a slow machine
		}
		f := exact(t, must(kdf.NewPBKDF2SHA512(int(r.Params.Cost()/parts))), []byte("saltsaltsaltsalt"))
		best := time.Hour
		for range parts {
			start := time.Now()
			_, err = f.Derive(t.Context(), []byte("password"), 32)
			require.NoError(t, err)
			best = min(best, time.Since(start))
		}
		off = append(off, float64(parts*best)/float64(target)-1)
		if off[len(off)-1] > -0.15 && off[len(off)-1] < 0.15 {
			t.Logf("off by %.1f %%", 100*off[len(off)-1])
			return
		}
	}
	t.Errorf("off by %.2f", off)
}

// TestCalibrateStaysWithinTheMachine: a ceiling above what it can address, or
// what parameters can say, is none.
func TestCalibrateStaysWithinTheMachine(t *testing.T) {
	pol := kdf.Policy{
		PBKDF2SHA512: kdf.PBKDF2Limits{Max: math.MaxUint32},
		Argon2id:     kdf.Argon2idLimits{MaxMemory: math.MaxUint32, MaxPasses: math.MaxUint32, MaxWork: math.MaxUint64},
		Scrypt:       kdf.ScryptLimits{MaxMemory: math.MaxUint32},
	}
	for _, a := range []kdf.Algorithm{kdf.PBKDF2SHA512, kdf.Argon2id, kdf.Scrypt} {
		m := newMachine(time.Microsecond, time.Microsecond, time.Microsecond)
		r := m.calibrate(t, a, 1e6*time.Second, pol)
		require.LessOrEqual(t, m.most.Memory(), uint64(math.MaxInt), "nothing that large was run")
		require.True(t, r.AtCeiling || r.Measured > 9e5*time.Second)
	}
}

func TestReportSaysWhatDecided(t *testing.T) {
	r := newMachine(2100*ms, 0, 0).calibrate(t, kdf.PBKDF2SHA512, 0, kdf.Policy{})
	require.Equal(t, "$pbkdf2-sha512$i=210000 takes 2.1s of 1s, at the policy's floor", r.String())
	r = newMachine(210*ms, 0, 0).calibrate(t, kdf.PBKDF2SHA512, 0, kdf.Policy{})
	require.Equal(t, "$pbkdf2-sha512$i=1000000 takes 1s of 1s", r.String())
	r = newMachine(ms, 0, 0).calibrate(t, kdf.PBKDF2SHA512, 0, kdf.Policy{})
	require.Contains(t, r.String(), ", at the policy's ceiling")
}
