package client

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func newInvitation() invitation {
	i := invitation{secret: make([]byte, 32)}
	rand.Read(i.id[:])
	rand.Read(i.secret)
	return i
}

func TestInvitationLink(t *testing.T) {
	i := newInvitation()
	for _, server := range []string{"https://example.org", "https://example.org/", "http://localhost:8080"} {
		link := i.link(server)
		require.True(t, strings.HasPrefix(link, strings.TrimSuffix(server, "/")+"/contact#"), link)
		parsed, err := parseLink(" " + link + "\n")
		require.NoError(t, err)
		require.Equal(t, i, parsed)
	}
	link := i.link("https://example.org")
	for n := range len(link) {
		_, err := parseLink(link[:n])
		require.ErrorIs(t, err, ErrNotALink, link[:n])
	}
	_, fragment, _ := strings.Cut(link, "#")
	id, secret, _ := strings.Cut(fragment, ".")
	for _, text := range []string{
		fragment, "/contact#" + fragment, link + "A", link + "=", link + ".", "https://example.org/contact?" + fragment,
		"https://example.org/contact#" + strings.ToUpper(id[:31]) + "F." + secret,
		"https://example.org/contact#" + id + "." + secret[:20] + "\n" + secret[20:],
		"https://example.org/contact#" + id + "." + strings.Repeat("+", len(secret)),
		"https://example.org/contact#" + id + "." + secret[:len(secret)-1] + "_", // bits that count for nothing
	} {
		_, err := parseLink(text)
		require.ErrorIs(t, err, ErrNotALink, text)
	}
}

// TestAnswerOfAnotherInvitation: an answer opens only with its own link.
func TestAnswerOfAnotherInvitation(t *testing.T) {
	i := newInvitation()
	answer, err := i.seal(t.Context(), []byte("a public key"))
	require.NoError(t, err)
	publicKey, err := i.open(t.Context(), answer)
	require.NoError(t, err)
	require.Equal(t, "a public key", string(publicKey))
	for _, other := range []invitation{{i.id, newInvitation().secret}, {newInvitation().id, i.secret}} {
		_, err := other.open(t.Context(), answer)
		require.ErrorIs(t, err, ErrForged)
	}
	_, err = i.open(t.Context(), append(answer, 0))
	require.ErrorIs(t, err, ErrForged)
}
