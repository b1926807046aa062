// Package sjcl opens SJCL JSON, which is what sjcl.encrypt of the Stanford
// JavaScript Crypto Library returns, with AES-GCM in it and under a raw AES key.
//
// Sources: SJCL 1.0.9, core/convenience.js for the JSON and core/gcm.js for the
// mode; NIST SP 800-38D for GCM.
//
// # Where to start
//
// [Parse] reads the JSON and needs no key. [Message.Open] opens messages with
// the full tag of 128 bits. SJCL's default is a tag of 64 bits, which only
// [Message.OpenShortTag] accepts; read there what such a tag is worth:
//
//	m, err := sjcl.Parse(text)
//	plaintext, err := m.OpenShortTag(key)
//
// The key is the caller's to derive. Autonomail's is the first 32 bytes of
// PBKDF2-HMAC-SHA512, which package kdf has; its salt and number of iterations
// are kept elsewhere: the iter in the JSON is not that number. SJCL derives keys
// itself only if it is given a password, and then writes its salt too. Given a key,
// it still writes iter and ks, and its defaults are what stands there.
//
// # What it is not for
//
// Nothing new should be encrypted in this format, and nothing here does it. Tags
// are short by default, their length is not authenticated, and one message can
// be made to open under two keys. What was a key goes into package wrap, and data
// under a data key.
//
// SJCL's other modes, CCM, which is its default, and OCB 2.0, its passwords and its
// elliptic curves are not supported.
//
// # Security
//
// Tags are compared in constant time. AES and GHASH are the standard library's,
// which are constant time where the processor has instructions for them. The
// JSON, with everything in it but the plaintext, is public, and reading it is
// not constant time. In the standard library's FIPS 140-only mode nothing
// opens, since it has no IVs of the caller's.
//
// # Compatibility
//
// What this version opens, every later one does.
package sjcl
