//go:build !amd64 || purego

package safeprime

import "math/big"

// base2Test is bigTest where there is no assembly for it.
func base2Test(n, e *big.Int) *big.Int { return bigTest(n, e) }
