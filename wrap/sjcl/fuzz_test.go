package sjcl_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/nescio-go/nescio/wrap/sjcl"
	"github.com/stretchr/testify/require"
)

// FuzzParse: nothing panics, what parses is JSON, and written as SJCL writes it
// parses to the same message.
func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.JSON), []byte(v.Derived[:32]))
	}
	f.Add(edit{`"ct"`, salt(8) + `"ct"`}.text(f), make([]byte, 16))
	f.Add(edit{`,"v":1`, " ,\n\"v\" : 1"}.text(f), make([]byte, 24))
	f.Add(edit{`"gcm"`, `"ccm"`}.text(f), []byte{})
	f.Add(edit{"Y3R4", `\/\/3\/`}.text(f), make([]byte, 16))
	f.Fuzz(func(t *testing.T, text, key []byte) {
		m, err := sjcl.Parse(text)
		if err != nil {
			require.True(t, errors.Is(err, sjcl.ErrMalformed) || errors.Is(err, sjcl.ErrUnsupported), err)
			require.Nil(t, m)
			return
		}
		require.True(t, json.Valid(text))
		var p parts
		p.iv, p.adata, p.ct, p.ts = m.Parts()
		require.Equal(t, m, p.parse(t))

		plaintext, err := m.OpenShortTag(key)
		if err != nil {
			require.Contains(t, []error{sjcl.ErrKey, sjcl.ErrOpen}, err)
			require.Nil(t, plaintext)
			return
		}
		require.Equal(t, p.ct, seal(t, key, p.iv, plaintext, p.adata, p.ts).ct)
	})
}
