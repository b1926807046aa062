package recovery_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// TestZeroValues calls every exported method of zero values. None panics, none returns
// a secret, and those that can return an error do.
func TestZeroValues(t *testing.T) {
	k, _ := everyWay(t)
	own := func(typ recovery.SlotType, flags uint8) recovery.Slot {
		for _, s := range k.Slots() {
			if s.Type == typ && s.Flags == flags || s.Type == typ && typ == recovery.SlotPasskey {
				return s
			}
		}
		return recovery.Slot{Type: typ}
	}
	arguments := map[reflect.Type]reflect.Value{}
	for _, a := range []any{wrap.Binding{Purpose: "x", Account: make([]byte, 16), Item: make([]byte, 16)}, random(32)} {
		arguments[reflect.TypeOf(a)] = reflect.ValueOf(a)
	}
	skipped := []string{"Passkey.WithPRF", // makes a Passkey
		"SecretKey.Key", "Password.WithPassword", "Password.WithSecretKey"} // of this package's tests alone
	called := 0
	for _, value := range []any{new(recovery.SecretKey), new(recovery.Phrase), new(recovery.Device), new(recovery.File),
		new(recovery.Password), new(recovery.Passkey), new(recovery.Export)} {
		v := reflect.ValueOf(value)
		placeholder := fmt.Sprintf("%v", value)
		require.Equal(t, "recovery."+v.Elem().Type().Name()+"(redacted)", placeholder)
		for i := range v.NumMethod() {
			method, name := v.Method(i), v.Elem().Type().Name()+"."+v.Type().Method(i).Name
			if v.Type().Method(i).Name == "Format" || slices.Contains(skipped, name) {
				continue
			}
			var in []reflect.Value
			for j := range method.Type().NumIn() {
				switch typ := method.Type().In(j); {
				case typ == reflect.TypeFor[recovery.Slot]():
					s := own(recovery.SlotDevice, 0)
					if sealer, ok := value.(recovery.Sealer); ok {
						s = own(sealer.Type(), sealer.Flags())
						require.NotEmpty(t, s.Wrapped)
					}
					in = append(in, reflect.ValueOf(s))
				case typ.Kind() == reflect.Interface:
					in = append(in, reflect.ValueOf(t.Context()))
				default:
					in = append(in, arguments[typ])
				}
			}
			var out []reflect.Value
			require.NotPanics(t, func() { out = method.Call(in) }, name)
			called++
			last := out[len(out)-1]
			if err, ok := last.Interface().(error); ok {
				typed := errors.Is(err, recovery.ErrPolicy) || errors.Is(err, recovery.ErrUsed) || strings.HasSuffix(name, ".MarshalJSON")
				require.True(t, typed, "%s: %v", name, err)
				out = out[:len(out)-1]
			} else if last.Type() == reflect.TypeFor[error]() {
				require.Equal(t, "MarshalJSON", v.Type().Method(i).Name, name) // of those that write a placeholder
				require.Equal(t, `"`+placeholder+`"`, string(out[0].Bytes()))
				continue
			}
			for _, o := range out {
				if o.Type() != reflect.TypeFor[recovery.SlotType]() {
					require.True(t, o.IsZero(), name)
				}
			}
		}
	}
	require.Greater(t, called, 35)
}

// TestNilArguments: what must not be nil returns an error.
func TestNilArguments(t *testing.T) {
	_, err := recovery.Create(t.Context(), account, nil)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = recovery.Create(t.Context(), account, phrase(t), nil)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	k := create(t, phrase(t))
	_, err = recovery.Open(t.Context(), nil, phrase(t), pin(t, k))
	require.Equal(t, recovery.ErrMalformed, err)
	require.ErrorIs(t, openErr(t, k.Bytes(), nil, pin(t, k)), recovery.ErrPolicy)
}
