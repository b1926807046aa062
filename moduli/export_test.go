package moduli

// SignAnyway is Sign without the check of the window.
func (k *PrivateKey) SignAnyway(r *Record) (*Record, error) { return k.signAs(r, k.public.ID()) }
