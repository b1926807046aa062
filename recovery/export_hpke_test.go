package recovery

// SlotPublicKey returns the public key that belongs to the seed of a slot.
func SlotPublicKey(seed []byte) ([]byte, error) {
	publicKey, _, err := slotPublicKey(seed)
	return publicKey, err
}

// SealToSlot seals a master key to the public key of a slot.
func SealToSlot(publicKey []byte) ([]byte, error) {
	return sealMaster([16]byte{1}, &sealedSlot{publicKey: publicKey}, 1, &[keySize]byte{2})
}
