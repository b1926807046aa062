// Package sjcl opens SJCL JSON, the text that sjcl.encrypt of the Stanford
// JavaScript Crypto Library returns, if it uses AES-GCM and a raw AES key.
//
// Sources: SJCL 1.0.9, core/convenience.js for the JSON and core/gcm.js for the
// mode, and NIST SP 800-38D for GCM.
//
// # Where to start
//
// [Parse] reads the JSON and needs no key. [Message.Open] opens messages with
// the full tag of 128 bits. The default tag of SJCL has 64 bits, and only
// [Message.OpenShortTag] accepts it. Read there how little such a tag protects:
//
//	m, err := sjcl.Parse(text)
//	plaintext, err := m.OpenShortTag(key)
//
// The caller derives the key. Autonomail uses the first 32 bytes of
// PBKDF2-HMAC-SHA512, which package kdf implements. Its salt and its number of
// iterations are kept elsewhere, and the iter in the JSON is not that number.
// SJCL derives keys only from a password, and then writes its salt too. If it
// gets a key, it writes its defaults as iter and ks.
//
// # What it is not for
//
// Do not encrypt anything new in this format. This package only decrypts. Tags
// are short by default, their length is not authenticated, and an attacker can
// make a message that opens under two keys. Wrap keys with package wrap, and
// encrypt data with a data key.
//
// The other modes of SJCL, CCM (its default) and OCB 2.0, its passwords and its
// elliptic curves are not supported.
//
// # Security
//
// Tags are compared in constant time. AES and GHASH are the standard library's
// and are constant time on processors with instructions for them. The JSON is
// public, and parsing it is not constant time. In the standard library's FIPS
// 140-only mode nothing opens, because callers cannot choose IVs there.
//
// # Compatibility
//
// Later versions open what this version opens.
package sjcl
