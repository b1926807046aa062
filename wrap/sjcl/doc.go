// Package sjcl opens messages of the Stanford JavaScript Crypto Library,
// version 1.0.9: JSON that sjcl.encrypt returns with AES-GCM (NIST SP 800-38D)
// and an AES key.
//
// # Where to start
//
//	m, err := sjcl.Parse(text)
//	plaintext, err := m.OpenShortTag(key)
//
// [Message.Open] accepts only tags of 128 bits. The default of SJCL is 64 bits,
// which only [Message.OpenShortTag] accepts. Read there how little these
// protect.
//
// # What the application must do
//
//  1. Derive the key. Autonomail uses the first 32 bytes of PBKDF2 from package
//     kdf. Its salt and iterations are stored elsewhere: iter in the JSON is
//     not its number.
//  2. Use package wrap for new data, because SJCL's tags do not authenticate
//     their length, and one message can open with two keys.
//
// # Limits
//
// The package does not encrypt, and does not support passwords, elliptic
// curves, CCM (the default mode of SJCL) and OCB 2.0. In FIPS 140-only mode
// nothing opens.
//
// # Security
//
// Tags are compared in constant time. AES and GHASH are constant time on
// processors with instructions for them. Parsing is not constant time, but the
// JSON is public.
//
// # Compatibility
//
// FORMAT.md defines what is accepted. Later versions accept it too.
package sjcl
