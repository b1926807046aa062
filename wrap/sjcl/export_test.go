package sjcl

// OpenTruncated is what OpenShortTag does with the cipher.
var OpenTruncated = openTruncated

// Parts returns what a message keeps, for the tests to render it.
func (m *Message) Parts() (iv, adata, ct []byte, ts int) {
	return m.iv, m.adata, m.ct, m.TagBits()
}
