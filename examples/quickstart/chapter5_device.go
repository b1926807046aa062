package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
)

// approving is chapter 5: a device gets in without a password, and then Alice does
// with nothing, since others say yes.
func (w *work) approving(ctx context.Context) error {
	w.chapter(5, "Somebody has to say yes")
	for _, part := range []func(context.Context) error{
		w.thirdDevice, w.appoint, w.loseEverything, w.collect, w.regain, w.shutOut, w.last,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// thirdDevice approves a phone by QR code.
func (w *work) thirdDevice(ctx context.Context) error {
	w.say("Alice has a phone again. It asks for no password: it shows a QR code, and her")
	w.say("tablet, which is in, scans that. The phone's request goes over the server. What")
	w.say("the code says does not: it goes from the screen to the camera.")
	var err error
	if w.phone, err = newClient(w.base); err != nil {
		return err
	}
	asked, err := w.phone.askToJoin(ctx, workName)
	if err != nil {
		return err
	}
	qr := asked.QR()
	w.detail("on the screen", "%s…  (%d characters)", qr[:24], len(qr))
	k, err := w.tablet.openKeyring(ctx)
	if err != nil {
		return err
	}

	w.say("\n  Mallory, at the service, puts a request of his own in the place of the phone's.")
	number := k.Account() // as he has it, from the header
	his, err := recovery.NewRequest(recovery.ForDevice, number[:])
	if err != nil {
		return err
	}
	if err := w.s.tamper(asked.handle, func(a *approval) error { a.Ask = his.Ask(); return nil }); err != nil {
		return err
	}
	before := k.Bytes()
	_, err = w.tablet.approveDevice(ctx, k, qr)
	w.detail("the tablet", "%v", err)
	if !errors.Is(err, recovery.ErrApproval) || !bytes.Equal(k.Bytes(), before) {
		return fmt.Errorf("the request of another: %v", err)
	}
	w.say("The code says whose key it is for, and he cannot see it. He passes on what came.")
	if err := w.s.tamper(asked.handle, func(a *approval) error { a.Ask = asked.Ask(); return nil }); err != nil {
		return err
	}

	w.say("\n  The tablet puts a slot for the phone into the keyring, and sends a grant that the")
	w.say("phone alone can open. From then on the server lets the phone in, by a token that")
	w.say("the phone drew itself.")
	if k, err = w.tablet.approveDevice(ctx, k, qr); err != nil {
		return err
	}
	w.detail("keyring", "%s", ways(k.Header()))
	if k, err = w.phone.join(ctx, asked); err != nil {
		return err
	}
	if err := w.read(ctx, "on the phone", w.phone, k); err != nil {
		return err
	}
	w.say("It did not ask her whether to believe the header: the grant told it what the")
	w.say("tablet saw last, which is called a pin.")
	return nil
}
