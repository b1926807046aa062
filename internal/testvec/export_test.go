package testvec

// Shows reports whether Redacted finds the secret in a text.
func Shows(text string, secret []byte) bool { return newSearch(secret).in(newHaystack(text)) }
