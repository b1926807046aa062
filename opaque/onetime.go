package opaque

import "sync"

// oneTime is the progress of a Login or a Registration. Its lock is never held
// while a KSF or any other code of the caller runs.
type oneTime struct {
	mu        sync.Mutex
	stage     stage
	discarded bool // Discard was called in stage working
}

type stage uint8

const (
	over     stage = iota // also of a zero Login or Registration
	begun                 // the request has been made
	working               // one call owns the inputs and works on them without the lock
	answered              // a Login has made its final message
	finished
)

// start moves from begun to working, or returns ErrUsed.
func (o *oneTime) start() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stage != begun {
		return ErrUsed
	}
	o.stage = working
	return nil
}

// settle ends the work that start allowed. Without an error it calls keep,
// which stores the results, and moves to next. If Discard was called meanwhile,
// it returns ErrUsed.
func (o *oneTime) settle(err error, next stage, keep func()) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.discarded {
		err = ErrUsed
	}
	if err != nil {
		o.stage = over
		return err
	}
	o.stage = next
	keep()
	return nil
}

// discard ends the value and calls clear, which clears its secrets. In stage
// working the call that works clears them.
func (o *oneTime) discard(clear func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stage == working {
		o.discarded = true
		return
	}
	o.stage = over
	clear()
}

// result returns the copy that get makes, or ErrUsed before stage finished.
func (o *oneTime) result(get func() []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stage != finished {
		return nil, ErrUsed
	}
	return get(), nil
}
