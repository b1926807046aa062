package moduli_test

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// BenchmarkSlots runs whole searches on one core. The times of searches vary as
// much as their mean, and the time of a slot does not. The metric cpu-s/hit is
// therefore the CPU time of a slot times the average number of slots of a
// search. Every search sieves more slots than it passes, so the metric needs
// twenty searches to settle. Compare it with OpenSSL on the same machine:
//
//	go test -run xxx -bench '^Benchmark(Slots|OpenSSL)$' -benchtime 20x ./moduli
//
// Results on two cores of a shared machine with Go 1.26:
//
//	BenchmarkSlots/2048     5.2         20.5 µs a slot × 254,253 slots a hit
//	BenchmarkOpenSSL/2048  27.3 ± 8.8   from 0.8 to 172
//
// The base-2 test takes nine tenths of the time. It is written in assembly for
// amd64 with BMI2. Other machines use math/big or filippo.io/bigmod, and a
// search takes half as long again.
func BenchmarkSlots(b *testing.B) {
	b.Run("2048", func(b *testing.B) {
		var slots, expected float64
		begin, i := cpuTime(b), 0
		for b.Loop() {
			s := must(moduli.NewSearch(must(moduli.VerifiableStart(2048, fmt.Sprint("bench ", i), 0))))
			s.Workers = 1
			must(s.Run(b.Context(), func(p moduli.Progress) { expected = p.Expected }))
			slots += float64(s.Next() + 1)
			i++
		}
		perSlot := (cpuTime(b) - begin).Seconds() / slots
		b.ReportMetric(perSlot*1e6, "cpu-µs/slot")
		b.ReportMetric(perSlot*expected, "cpu-s/hit")
	})
}

// BenchmarkOpenSSL measures OpenSSL, for comparison with BenchmarkSlots. A hit
// is a run.
func BenchmarkOpenSSL(b *testing.B) {
	b.Run("2048", func(b *testing.B) {
		path, err := exec.LookPath("openssl")
		if err != nil {
			b.Skip("there is no openssl")
		}
		var spent time.Duration
		runs := 0
		for b.Loop() {
			cmd := exec.CommandContext(b.Context(), path, "dhparam", "-2", "2048")
			require.NoError(b, cmd.Run())
			spent += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			runs++
		}
		b.ReportMetric(spent.Seconds()/float64(runs), "cpu-s/hit")
	})
}

func BenchmarkGenerate(b *testing.B) {
	b.Run("1024", func(b *testing.B) {
		i := 0
		for b.Loop() {
			must(moduli.Generate(b.Context(), must(moduli.VerifiableStart(1024, fmt.Sprint("bench ", i), 0))))
			i++
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	ref := must(srp.RFC5054Group(2048)).Unverified()
	m := moduli.Modulus{N: ref.N, G: ref.G}
	b.Run("2048", func(b *testing.B) {
		for b.Loop() { // what the first Verify of a modulus does
			if err := safeprime.Verify(m.N, m.G); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again/2048", func(b *testing.B) {
		require.NoError(b, m.Verify(b.Context()))
		b.ReportAllocs()
		for b.Loop() {
			if err := m.Verify(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
