// Package approval hands a payload from an approver to a requester through a
// server that neither of them trusts. The requester is a new device, or a
// person who collects shares of a key. Packages recovery and contacts decide
// what the payload means.
//
// A user who sees both screens makes the two sides sure of each other. The user
// scans a QR code:
//
//	requester                              approver
//	QR    ········· on the screen ·······→ ScanQR
//	Ask   ───────────────────────────────→
//	Open ←──────────────────────────────── Scan.Grant
//
// or types a short code, one half in each direction:
//
//	requester                              approver
//	Ask   ───────────────────────────────→ Begin
//	Reveal ←────────────────────────────── Approval.Answer
//	      ───────────────────────────────→ Approval.Code
//	shows its half ······ the user ······→ Approval.Check
//	Open ←··············· the user ······· shows its half
//	     ←──────────────────────────────── Approval.Grant
//
// Solid arrows may pass the server. The text of the QR code must not, because
// anyone who has it can forge the grant. The halves of the short code need not
// be secret, but the user must read each half on the screen that shows it. A
// half that came in a message proves nothing.
//
// An attacker between the two sides has one try at each half, with a chance of
// 2^-30, for each pair of a [Request] and an [Approval] that it brings
// together. Each side has committed to its part of the code before it learns
// the other side's part, so computing power does not help. Users must start
// both sides. An approval that waits for more than minutes should be discarded:
// while it waits, every new request is another try.
//
// The messages are described in FORMAT.md.
package approval
