//go:build !amd64 || purego

package safeprime

import "math/big"

// base2Test is bigTest on machines without assembly.
func base2Test(n, e *big.Int) *big.Int { return bigTest(n, e) }
