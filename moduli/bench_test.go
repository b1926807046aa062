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

// BenchmarkSlots runs whole searches on one core. The time of a search varies
// as much as its mean, the time of a slot does not, so the metric cpu-s/hit is
// the CPU time of a slot times the slots that a search passes on average. It
// needs twenty searches (-benchtime 20x) to settle, because every search sieves
// more slots than it passes.
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

// BenchmarkOpenSSL runs what BenchmarkSlots is compared with. Here a hit is
// a run.
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
