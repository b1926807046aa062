package recoverytest_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// TestFormIsStrict: headers that no keyring writes are malformed, whatever
// their MACs.
func TestFormIsStrict(t *testing.T) {
	v := victim(t)
	in := v.insider(t)
	kind := func(p *parts, name string) *recoverytest.SlotParts {
		return &p.Slots[slices.IndexFunc(p.Slots, func(s recoverytest.SlotParts) bool { return slotNames[s.Type] == name })]
	}
	params := func(kindOf string, f func(params []byte) []byte) func(p *parts) {
		return func(p *parts) { s := kind(p, kindOf); s.Params = f(slices.Clone(s.Params)) }
	}
	behindSalt := func(kindOf string, rest ...byte) func(p *parts) {
		return params(kindOf, func(b []byte) []byte { return append(b[:32:32], rest...) })
	}
	relyingParty := func(name []byte, length int) func(p *parts) {
		return params("passkey", func(b []byte) []byte { return slices.Concat(b[:96], []byte{byte(length)}, name) })
	}
	contacts := func(k, n byte, commitments int) func(p *parts) {
		return func(p *parts) {
			s := kind(p, "export")
			s.Type, s.Params = 7, slices.Concat(s.Params[:32], []byte{k, n}, random(32*commitments))
		}
	}
	slots := func(n int, like string) func(p *parts) {
		return func(p *parts) {
			for len(p.Slots) < n {
				s := *kind(p, like)
				s.ID = recovery.SlotID(random(16))
				p.Slots = append(p.Slots, s)
			}
		}
	}
	for what, change := range map[string]func(p *parts){
		"no account":                func(p *parts) { p.Account = recovery.AccountID{} },
		"revision 0":                func(p *parts) { p.Revision = 0 },
		"revision 1 after another":  func(p *parts) { p.Revision = 1 },
		"revision 6 after none":     func(p *parts) { p.Previous = [32]byte{} },
		"epoch 0":                   func(p *parts) { p.Epoch, p.History = 0, nil },
		"more epochs than history":  func(p *parts) { p.Epoch = 5 },
		"less epochs than history":  func(p *parts) { p.Epoch = 3 },
		"more history than epochs":  func(p *parts) { p.History = append(p.History, randomWrap(106)) },
		"a gap in the history":      func(p *parts) { p.History = p.History[1:] },
		"no history":                func(p *parts) { p.History = nil },
		"floor 0":                   func(p *parts) { p.Floor = 0 },
		"floor above the epoch":     func(p *parts) { p.Floor = 5 },
		"a slot twice":              func(p *parts) { p.Slots = append(p.Slots, p.Slots[0]) },
		"a slot without id":         func(p *parts) { p.Slots[0].ID = recovery.SlotID{} },
		"a slot of the future":      func(p *parts) { p.Slots[0].Born = 5 },
		"born in epoch 0":           func(p *parts) { p.Slots[0].Born = 0 },
		"no slots":                  func(p *parts) { p.Slots = nil },
		"type 0":                    func(p *parts) { kind(p, "file").Type = 0 },
		"type 8":                    func(p *parts) { kind(p, "file").Type = 8 },
		"type 255":                  func(p *parts) { kind(p, "file").Type = 255 },
		"flag 2 of a password":      func(p *parts) { kind(p, "password").Flags = 2 },
		"flags of an export":        func(p *parts) { kind(p, "export").Flags = 1 },
		"flags of a phrase":         func(p *parts) { kind(p, "phrase").Flags = 1 },
		"flags of a file":           func(p *parts) { kind(p, "file").Flags = 1 },
		"flags of a device":         func(p *parts) { kind(p, "device").Flags = 1 },
		"flag 2 of a passkey":       func(p *parts) { kind(p, "passkey").Flags = 2 },
		"a phrase of 15 bytes":      behindSalt("phrase", 15),
		"a phrase of 24 bytes":      behindSalt("phrase", 24),
		"a phrase with more":        behindSalt("phrase", 16, 0),
		"a phrase with less":        behindSalt("phrase"),
		"a file with params":        behindSalt("file", 0),
		"a file with half a salt":   params("file", func(b []byte) []byte { return b[:16] }),
		"a device with params":      params("device", func([]byte) []byte { return []byte{0} }),
		"a device with a wrap":      func(p *parts) { kind(p, "device").Wrapped = randomWrap(138) },
		"an export of 31":           behindSalt("export", random(31)...),
		"an export of 33":           behindSalt("export", random(33)...),
		"a relying party of 0":      relyingParty(nil, 0),
		"a relying party of 254":    relyingParty(bytes.Repeat([]byte{'a'}, 254), 254),
		"a relying party with more": relyingParty([]byte("example.org"), 10),
		"a relying party with less": relyingParty([]byte("example.org"), 12),
		"contacts, k of 0":          contacts(0, 3, 3),
		"contacts, k above n":       contacts(4, 3, 3),
		"contacts, n of 33":         contacts(2, 33, 33),
		"contacts, one too few":     contacts(3, 5, 4),
		"contacts, one too many":    contacts(3, 5, 6),
		"25 slots":                  slots(25, "device"),
		"5 passwords":               slots(5+len(split(t, v.latest()).Slots)-3, "password"),
	} {
		p := split(t, v.latest())
		change(p)
		p.Sort()
		_, err := recovery.ParseHeader(p.Sign(in.Lineage, master(in, v.latest())))
		requireIs(t, recovery.ErrMalformed, err, what)
	}
	for what, change := range map[string]func(p *parts){
		"1 contact of 1":         contacts(1, 1, 1),
		"1 contact of 3":         contacts(1, 3, 3),
		"2 contacts of 32":       contacts(2, 32, 32),
		"all of 32":              contacts(32, 32, 32),
		"a relying party of 253": relyingParty(bytes.Repeat([]byte{'a'}, 253), 253),
		"a relying party of 1":   relyingParty([]byte("a"), 1),
		"a long phrase":          behindSalt("phrase", 32),
		"born in this epoch":     func(p *parts) { p.Slots[0].Born = 4 },
		"unverified user":        func(p *parts) { kind(p, "passkey").Flags = 0 },
		"floor of this epoch":    func(p *parts) { p.Floor = 4 },
		"24 slots":               slots(24, "device"),
		"4 passwords":            slots(1+len(split(t, v.latest()).Slots), "password"),
		"a family":               func(p *parts) { p.Slots[0].Family = recovery.SlotID(random(16)) },
	} {
		p := split(t, v.latest())
		change(p)
		header, err := recovery.ParseHeader(sorted(p))
		require.NoError(t, err, what)
		require.Equal(t, p.Join(), header.Bytes())
		require.Len(t, header.Slots(), len(p.Slots))
	}
}
