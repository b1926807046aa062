package moduli

// SignAnyway is Sign without a look at the key's window.
func (k *PrivateKey) SignAnyway(r *Record) (*Record, error) { return k.signAs(r, k.public.ID()) }
