package srp_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

var generate = flag.String("generate", "", "make the vectors anew of profiles with this prefix in their names, or of all, in a quarter of an hour")

// protonPassword is where the search for an x with that many leading zero
// bytes starts, in "leading zeros %d". From 0 it would find the same, after up
// to 28,016 bcrypt hashes.
var protonPassword = map[int]map[int]int{
	4: {1: 33, 2: 2402}, 3: {1: 33, 2: 2402},
	2: {2: 261}, 1: {2: 261},
	0: {1: 386, 2: 28016},
}

// TestGenerateLeadingZeros searches for the vectors with the second
// implementation alone.
func TestGenerateLeadingZeros(t *testing.T) {
	if *generate == "all" {
		*generate = ""
	} else if *generate == "" {
		t.Skip("only with -generate")
	}
	var mu sync.Mutex
	var out []zeroVector
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, v := range testvec.Load[[]zeroVector](t, testdata, "testdata/leading_zeros.json") {
		if !strings.HasPrefix(v.Profile, *generate) {
			out = append(out, v)
		}
	}
	for profile, r := range allProfiles(t) {
		if !strings.HasPrefix(profile.String(), *generate) {
			continue
		}
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			found := search(profile, r)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, found...)
		})
	}
	wg.Wait()
	slices.SortFunc(out, func(a, b zeroVector) int {
		key := func(v zeroVector) string { return fmt.Sprint(v.Profile, v.Value, v.Zeros) }
		if key(a) < key(b) {
			return -1
		}
		return 1
	})
	raw, err := json.MarshalIndent(map[string]any{
		"source":  "found by TestGenerateLeadingZeros of this package with its plain second implementation; RFC 5054 profiles and Nescio in that RFC's group of 2048 bits, HomeKit's in that of 3072, Proton's in the first modulus of proton.json",
		"vectors": out,
	}, "", " ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("testdata/leading_zeros.json", append(raw, '\n'), 0o644))
}

// search returns the vectors of one profile.
func search(profile srp.Profile, r reference) []zeroVector {
	in := testvec.NewAccumulated("leading zeros/" + profile.String())
	r.I, r.P = []byte("alice"), []byte("password")
	if r.proton == 2 {
		r.I = []byte("Al-i.c_e")
	}
	salt := func(zeros int) []byte {
		s := in.Input(16)
		if r.proton >= 0 {
			s = s[:10]
		}
		if r.nescio {
			s = append(s, in.Input(16)...)
		}
		s[0], s[1], s[2] = s[0]|1, s[1]|1, s[2]|1
		clear(s[:zeros])
		return s
	}
	a0, b0 := new(big.Int).SetBytes(in.Input(32)), new(big.Int).SetBytes(in.Input(32))
	r.s = salt(0)

	var out []zeroVector
	need := make(map[string]bool)
	for _, value := range []string{"A", "S", "K", "M1"} {
		need[value+"1"], need[value+"2"] = true, true
	}
	add := func(r reference, value string, zeros int, a, b *big.Int) {
		v := r.run(a, b)
		if r.leading(value, v) != zeros {
			panic("a search found nothing")
		}
		out = append(out, zeroVector{
			Profile: profile.String(), Value: value, Zeros: zeros,
			I: string(r.I), P: string(r.P), Salt: r.s,
			A0: a.FillBytes(make([]byte, 32)), B0: b.FillBytes(make([]byte, 32)),
			M1: v.M1, M2: v.M2, Digest: r.digest(v),
		})
	}

	for zeros := 1; zeros <= 2; zeros++ {
		withSalt := r
		withSalt.s = salt(zeros)
		add(withSalt, "salt", zeros, a0, b0)

		withX := r
		if r.proton >= 3 {
			withX.s = []byte{0xa1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
		}
		for i := protonPassword[r.proton][zeros]; ; i++ {
			withX.P = fmt.Appendf(nil, "leading zeros %d", i)
			if withX.leading("x", &values{x: withX.x()}) == zeros {
				break
			}
		}
		add(withX, "x", zeros, a0, b0)

		// B = k·v + g^b, for b0, b0 + 1, …
		kv := new(big.Int).Exp(r.g, r.x(), r.N)
		kv.Mul(kv, r.k())
		gb, b := new(big.Int).Exp(r.g, b0, r.N), new(big.Int).Set(b0)
		for B := new(big.Int); ; b.Add(b, big.NewInt(1)) {
			B.Add(kv, gb).Mod(B, r.N)
			if r.leading("B", &values{B: r.pad(B)}) == zeros {
				break
			}
			gb.Mul(gb, r.g).Mod(gb, r.N)
		}
		add(r, "B", zeros, a0, b)
	}

	// A = g^a and S = A^b · v^(b·u), for a0, a0 + 1, …: A^b grows by the factor
	// g^b, and v^b comes from a table of its powers.
	verifier := new(big.Int).Exp(r.g, r.x(), r.N)
	gb := new(big.Int).Exp(r.g, b0, r.N)
	B := new(big.Int).Mul(r.k(), verifier)
	v := &values{B: r.pad(B.Add(B, gb).Mod(B, r.N))}
	table := powers(new(big.Int).Exp(verifier, b0, r.N), r.N, r.xSize())
	a, A := new(big.Int).Set(a0), new(big.Int).Exp(r.g, a0, r.N)
	Ab := new(big.Int).Exp(A, b0, r.N)
	for len(need) > 0 {
		v.A = r.pad(A)
		S := new(big.Int).Set(Ab)
		for i, digit := range r.u(v.A, v.B).FillBytes(make([]byte, len(table))) {
			S.Mul(S, table[i][digit]).Mod(S, r.N)
		}
		r.prove(v, S)
		for _, value := range []string{"A", "S", "K", "M1"} {
			zeros := r.leading(value, v)
			if key := value + fmt.Sprint(zeros); need[key] {
				delete(need, key)
				add(r, value, zeros, new(big.Int).Set(a), b0)
			}
		}
		a.Add(a, big.NewInt(1))
		A.Mul(A, r.g).Mod(A, r.N)
		Ab.Mul(Ab, gb).Mod(Ab, r.N)
	}
	return out
}

// powers returns t with base^(sum of digit_i·256^(size−1−i)) = product of
// t[i][digit_i].
func powers(base, n *big.Int, size int) [][256]*big.Int {
	t := make([][256]*big.Int, size)
	base = new(big.Int).Set(base)
	for i := size - 1; i >= 0; i-- {
		t[i][0] = big.NewInt(1)
		for d := 1; d < 256; d++ {
			t[i][d] = new(big.Int).Mul(t[i][d-1], base)
			t[i][d].Mod(t[i][d], n)
		}
		next := new(big.Int).Mul(t[i][255], base)
		base = next.Mod(next, n)
	}
	return t
}
