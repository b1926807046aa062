package opaque_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/opaque"
)

// kms is a KeyService for Curve25519 whose keys are in another goroutine.
type kms chan kmsRequest

type kmsRequest struct {
	operation string
	input     []byte
	answer    chan<- []byte
}

func (k kms) ask(ctx context.Context, operation string, input []byte) ([]byte, error) {
	answer := make(chan []byte, 1)
	select { // the KMS may read its input after ctx has ended
	case k <- kmsRequest{operation, bytes.Clone(input), answer}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case output := <-answer:
		if output == nil {
			return nil, errors.New("the KMS failed")
		}
		return output, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k kms) PublicKey(ctx context.Context) ([]byte, error)           { return k.ask(ctx, "public", nil) }
func (k kms) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) { return k.ask(ctx, "seed", id) }
func (k kms) DH(ctx context.Context, peer []byte) ([]byte, error)     { return k.ask(ctx, "dh", peer) }

// serve runs in the KMS. Only the KMS has the keys.
func (k kms) serve(oprfSeed []byte, private *ecdh.PrivateKey) {
	for r := range k {
		var output []byte
		switch r.operation {
		case "public":
			output = private.PublicKey().Bytes()
		case "seed":
			output, _ = hkdf.Expand(sha512.New, oprfSeed, string(r.input)+"OprfKey", 32)
		case "dh":
			if peer, err := ecdh.X25519().NewPublicKey(r.input); err == nil {
				output, _ = private.ECDH(peer)
			}
		}
		r.answer <- output
	}
}

// The keys of a server are in a KMS that answers over channels.
func ExampleKeyService() {
	k, oprfSeed := make(kms), make([]byte, 64)
	rand.Read(oprfSeed)
	private, _ := ecdh.X25519().GenerateKey(rand.Reader)
	go k.serve(oprfSeed, private) // a KMS loads its keys instead

	setup, err := opaque.NewKeyServiceSetup(context.Background(), opaque.Curve25519, k)
	fmt.Println("ready for ServerConfig.Setups:", setup != nil, err)
	// Output: ready for ServerConfig.Setups: true <nil>
}
