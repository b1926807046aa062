package recovery_test

import (
	"context"
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

// zeroValues are pointers to the zero values of all exported types with
// methods.
var zeroValues = []any{
	new(recovery.AccountID), new(recovery.SlotID), new(recovery.Checkpoint), new(recovery.Header), new(recovery.Keyring),
	new(recovery.Draft), new(recovery.Edit), new(recovery.SealedSlot), new(recovery.Client), new(recovery.Request),
	new(recovery.Approval), new(recovery.Device), new(recovery.File), new(recovery.Phrase), new(recovery.SecretKey),
	new(recovery.Password), new(recovery.ExportKey), new(recovery.Passkey), new(recovery.PhraseError),
}

// arguments are values for the parameters of methods, by their types.
type arguments map[reflect.Type][]any

// zeroArguments are the arguments with which a careless caller would come.
func zeroArguments() arguments {
	return arguments{
		reflect.TypeFor[context.Context]():              {context.Background()},
		reflect.TypeFor[recovery.Slot]():                {recovery.Slot{}},
		reflect.TypeFor[recovery.Checkpoint]():          {recovery.Checkpoint{}},
		reflect.TypeFor[*recovery.Header]():             {new(recovery.Header), (*recovery.Header)(nil)},
		reflect.TypeFor[*recovery.SealedSlot]():         {new(recovery.SealedSlot), (*recovery.SealedSlot)(nil)},
		reflect.TypeFor[*recovery.Request]():            {new(recovery.Request), (*recovery.Request)(nil)},
		reflect.TypeFor[recovery.Opener]():              {new(recovery.Phrase), new(recovery.Device), nil},
		reflect.TypeFor[recovery.Sealer]():              {new(recovery.Phrase), nil},
		reflect.TypeFor[func(*recovery.Edit) error]():   {rotate},
		reflect.TypeFor[[]byte]():                       {[]byte(nil), random(32), random(1216)},
		reflect.TypeFor[string]():                       {""},
		reflect.TypeFor[uint32]():                       {uint32(0), uint32(1)},
		reflect.TypeFor[wrap.Binding]():                 {files("a"), wrap.Binding{}},
		reflect.TypeFor[recovery.SlotID]():              {recovery.SlotID{}},
		reflect.TypeFor[recovery.AccountID]():           {recovery.AccountID{}},
		reflect.TypeFor[[]recovery.SlotChange]():        {[]recovery.SlotChange(nil)},
		reflect.TypeFor[fmt.State]():                    {},
		reflect.TypeFor[func([]byte) ([]byte, error)](): {},
	}
}

// goodArguments are arguments as they should be.
func goodArguments(t testing.TB) arguments {
	k, openers := everySlot(t)
	sealed := seal(t, k, phrase())
	a := zeroArguments()
	for _, s := range k.Slots() {
		a[reflect.TypeFor[recovery.Slot]()] = append(a[reflect.TypeFor[recovery.Slot]()], s)
	}
	for typ, v := range map[reflect.Type]any{
		reflect.TypeFor[recovery.Checkpoint]():  k.Checkpoint(),
		reflect.TypeFor[*recovery.Header]():     k.Header(),
		reflect.TypeFor[*recovery.SealedSlot](): sealed,
		reflect.TypeFor[*recovery.Request]():    must(recovery.NewRequest(k.Account())),
		reflect.TypeFor[recovery.Opener]():      openers["export"],
		reflect.TypeFor[recovery.Sealer]():      phrase(),
		reflect.TypeFor[[]byte]():               k.Header().Bytes(),
		reflect.TypeFor[recovery.SlotID]():      k.Slots()[0].ID,
		reflect.TypeFor[recovery.AccountID]():   k.Account(),
		reflect.TypeFor[wrap.Binding]():         wrap.Binding{Purpose: "p", Account: make([]byte, 16), Item: make([]byte, 16)},
	} {
		a[typ] = append(a[typ], v)
	}
	return a
}

// calls yields lists of arguments for a method, so that each value occurs.
func (a arguments) calls(method reflect.Type) (lists [][]reflect.Value) {
	n := 1
	for i := range method.NumIn() {
		typ := method.In(i)
		if method.IsVariadic() && i == method.NumIn()-1 {
			typ = typ.Elem()
		}
		n = max(n, len(a[typ]))
	}
	for call := range n {
		var in []reflect.Value
		for i := range method.NumIn() {
			typ := method.In(i)
			if method.IsVariadic() && i == method.NumIn()-1 {
				if typ = typ.Elem(); call == 0 {
					continue // none
				}
			}
			values, ok := a[typ]
			if !ok || len(values) == 0 {
				panic(fmt.Sprint("no argument of type ", typ))
			}
			v := reflect.Zero(typ)
			if x := values[call%len(values)]; x != nil {
				v = reflect.ValueOf(x)
			}
			in = append(in, v)
		}
		lists = append(lists, in)
	}
	return lists
}

// TestZeroValues calls every method of the zero values. None panics or returns
// a secret, and those that can return an error do.
func TestZeroValues(t *testing.T) {
	all := goodArguments(t)
	// They return something else than a zero value or an error, as they should.
	fine := []string{
		"AccountID.String", "AccountID.MarshalText", "SlotID.String", "SlotID.MarshalText", "PhraseError.Error", "PhraseError.Unwrap",
		"Header.Digest", "Header.Gone", "Passkey.WithPRF", "Edit.Rotate", "Edit.Keep", "Draft.Stored",
	}
	for _, zero := range zeroValues {
		typ := reflect.TypeOf(zero)
		for i := range typ.NumMethod() {
			method, name := typ.Method(i), typ.Elem().Name()+"."+typ.Method(i).Name
			if method.Name == "Format" {
				require.Equal(t, "recovery."+typ.Elem().Name()+"(redacted)", fmt.Sprintf("%v", zero))
				continue
			}
			t.Run(name, func(t *testing.T) {
				signature := reflect.New(typ.Elem()).Method(i).Type()
				for _, in := range all.calls(signature) {
					v := reflect.New(typ.Elem()) // zero again
					var out []reflect.Value
					require.NotPanics(t, func() { out = v.Method(i).Call(in) })
					if method.Name == "MarshalJSON" {
						requireNoJSON(t, typ.Elem().Name(), out)
					} else if !slices.Contains(fine, name) {
						requireNothing(t, name, out)
					}
				}
			})
		}
	}
}

// requireNoJSON checks that a zero value has a placeholder or an error.
func requireNoJSON(t *testing.T, name string, out []reflect.Value) {
	if out[1].IsNil() {
		require.Equal(t, `"recovery.`+name+`(redacted)"`, string(out[0].Bytes()))
	}
}

// requireNothing checks that results are zero, except names of types, and that
// an error is one of the package's.
func requireNothing(t *testing.T, name string, out []reflect.Value) {
	for _, o := range out {
		if o.Type() == reflect.TypeFor[error]() {
			err, ok := o.Interface().(error)
			if !ok {
				// A checkpoint is read into a zero value, and a floor may stay.
				require.Contains(t, []string{"Checkpoint.UnmarshalBinary", "Edit.CloseBefore"}, name, "no error")
				continue
			}
			known := slices.ContainsFunc([]error{
				recovery.ErrPolicy, recovery.ErrMalformed, recovery.ErrNoCheckpoint, recovery.ErrWrongSecret, recovery.ErrConflict,
				recovery.ErrOtherAccount, recovery.ErrUntrusted,
			}, func(want error) bool { return errors.Is(err, want) })
			require.True(t, known, "%s: %v", name, err)
			continue
		}
		if !strings.HasSuffix(name, ".Type") && (o.Kind() != reflect.Slice || o.Len() > 0) {
			require.True(t, o.IsZero(), name)
		}
	}
}

// TestZeroArguments: functions of the package take zero and nil arguments
// without a panic.
func TestZeroArguments(t *testing.T) {
	ctx := t.Context()
	k := create(t, phrase())
	_, err := recovery.Create(ctx)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	for _, sealers := range [][]recovery.Sealer{{nil}, {phrase(), nil}, {new(recovery.Phrase)}, {new(recovery.File)}, {recovery.Password{}}, {recovery.ExportKey{}}, {recovery.Passkey{}}} {
		_, err := recovery.Create(ctx, sealers...)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		_, err = k.RotateLineage(ctx, sealers...)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		_, err = k.Seal(ctx, sealers[len(sealers)-1])
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	_, err = recovery.Open(ctx, nil, phrase(), k.Checkpoint())
	require.Equal(t, recovery.ErrMalformed, err)
	_, err = recovery.Open(ctx, new(recovery.Header), phrase(), recovery.Checkpoint{})
	require.Equal(t, recovery.ErrNoCheckpoint, err)
	_, err = recovery.Open(ctx, new(recovery.Header), phrase(), k.Checkpoint())
	require.Equal(t, recovery.ErrOtherAccount, err)
	for _, o := range []recovery.Opener{nil, new(recovery.Phrase), new(recovery.Device), new(recovery.File), recovery.ExportKey{}, recovery.Passkey{}} {
		require.ErrorIs(t, openErr(t, k.Header(), o, k.Checkpoint()), recovery.ErrPolicy)
	}
	_, err = recovery.NewRequest(recovery.AccountID{})
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.Equal(t, recovery.ErrOtherAccount, k.Header().Follows(new(recovery.Header)))
}

// TestKeptEdit: an Edit that is kept beyond its callback changes nothing.
func TestKeptEdit(t *testing.T) {
	k, _ := everySlot(t)
	sealed := seal(t, k, phrase())
	var kept *recovery.Edit
	d := change(t, k, func(e *recovery.Edit) error {
		kept = e
		e.Rotate()
		return nil
	})
	header, id := d.Header().Bytes(), d.Header().Slots()[0].ID
	require.ErrorIs(t, kept.Add(sealed), recovery.ErrPolicy)
	require.ErrorIs(t, kept.Replace(id, sealed), recovery.ErrPolicy)
	require.ErrorIs(t, kept.Supersede(id, sealed), recovery.ErrPolicy)
	_ = kept.Revoke(id)
	_ = kept.CloseBefore(1)
	kept.Rotate()
	kept.Keep(recovery.SlotChange{ID: id})
	clear(kept.Slots())
	require.Equal(t, header, d.Header().Bytes())
	encoded, err := recovery.Encode(d.Header())
	require.NoError(t, err)
	require.Equal(t, header[:len(header)-64], encoded)
	requireSame(t, d.Stored(), must(k.Follow(d.Header(), k.Checkpoint())))
}
