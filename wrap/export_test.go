package wrap

// WrapWith is Wrap with given random bytes.
func (k *Key) WrapWith(secret []byte, b Binding, random [32]byte) ([]byte, error) {
	return k.wrap(secret, b, random)
}

// Derive returns what a key of the given bytes derives for a blob's nonce: the
// key of its cipher, and the commitment.
func Derive(kek []byte, b Binding, s Suite, nonce []byte) (key, commitment []byte, err error) {
	d, err := newDerivation(kek, b, 0)
	if err != nil {
		return nil, nil, err
	}
	d.keys(s, nonce)
	return d.key, d.commitment, nil
}

// Bytes returns the bytes of the key.
func (k *Key) Bytes() [KeySize]byte { return k.state.Get().kek }
