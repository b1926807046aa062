package sjcl_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/wrap/sjcl"
	"github.com/stretchr/testify/require"
)

const good = `{"iv":"oKGio6SlpqeoqaqrrK2urw==","v":1,"iter":10000,"ks":256,"ts":64,"mode":"gcm",` +
	`"adata":"Y3R4","cipher":"aes","ct":"0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhB"}`

// edit is a change of the good message.
type edit struct{ old, new string }

func (e edit) text(t testing.TB) []byte {
	require.Equal(t, 1, strings.Count(good, e.old), e.old)
	return []byte(strings.Replace(good, e.old, e.new, 1))
}

func salt(n int) string {
	return `"salt":"` + strings.Repeat("AAAA", n/3) + []string{"", "AA==", "AAA="}[n%3] + `",`
}

func TestParseAccepts(t *testing.T) {
	want, err := sjcl.Parse([]byte(good))
	require.NoError(t, err)
	for name, e := range map[string]edit{
		"keys of 128 bits":  {`"ks":256`, `"ks":128`},
		"keys of 192 bits":  {`"ks":256`, `"ks":192`},
		"one iteration":     {`10000`, `1`},
		"2^31-1 iterations": {`10000`, `2147483647`},
		"an empty salt":     {`"ct"`, salt(0) + `"ct"`},
		"a salt":            {`"ct"`, salt(8) + `"ct"`},
		"the longest salt":  {`"ct"`, salt(64) + `"ct"`},
		"another order":     {`"v":1,"iter":10000,`, `"iter":10000,"v":1,`},
		"white space":       {`,"v":1,`, " ,\r\n\t\"v\" : 1 , "},
		"a line end":        {`8fhB"}`, `8fhB"}` + "\n"},
		"the longest text":  {`8fhB"}`, `8fhB"}` + strings.Repeat(" ", sjcl.MaxMessage-len(good))},
	} {
		m, err := sjcl.Parse(e.text(t))
		require.NoError(t, err, name)
		require.Equal(t, want, m, name)
	}
}

// TestParseAcceptsEscapedSlashes, as encoders of other languages write them,
// and no other escape.
func TestParseAcceptsEscapedSlashes(t *testing.T) {
	plain := func(adata string) (*sjcl.Message, error) { return sjcl.Parse(edit{"Y3R4", adata}.text(t)) }
	want, err := plain("//3/")
	require.NoError(t, err)
	for _, escaped := range []string{`\/\/3\/`, `/\/3/`, `//3\/`} {
		got, err := plain(escaped)
		require.NoError(t, err, escaped)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{`\\/3/`, `\\//3/`, `//3\\/`, `//3\u002f`, `//3/\n`, `\n//3/`, `//3/\/\`, `//3/\`, `\"//3/`} {
		_, err := plain(bad)
		require.ErrorIs(t, err, sjcl.ErrMalformed, bad)
	}
	_, err = sjcl.Parse(edit{`"v":1`, `"v":1\/`}.text(t))
	require.ErrorIs(t, err, sjcl.ErrMalformed, "outside a string")
	_, err = sjcl.Parse(edit{`"iv"`, `"\/iv"`}.text(t))
	require.ErrorIs(t, err, sjcl.ErrMalformed, "in a name")
	_, err = sjcl.Parse([]byte(good + `\`))
	require.ErrorIs(t, err, sjcl.ErrMalformed, "at the end")
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		edit
		err error
	}{
		"CCM":                  {edit{`"gcm"`, `"ccm"`}, sjcl.ErrUnsupported},
		"OCB 2.0":              {edit{`"gcm"`, `"ocb2"`}, sjcl.ErrUnsupported},
		"GCM in upper case":    {edit{`"gcm"`, `"GCM"`}, sjcl.ErrUnsupported},
		"GCM escaped":          {edit{`"gcm"`, `"%67cm"`}, sjcl.ErrUnsupported},
		"no mode's name":       {edit{`"gcm"`, `""`}, sjcl.ErrUnsupported},
		"another cipher":       {edit{`"aes"`, `"des"`}, sjcl.ErrUnsupported},
		"version 0":            {edit{`"v":1`, `"v":0`}, sjcl.ErrUnsupported},
		"version 2":            {edit{`"v":1`, `"v":2`}, sjcl.ErrUnsupported},
		"CCM of a short IV":    {edit{`"oKGio6SlpqeoqaqrrK2urw==","v":1,"iter":10000,"ks":256,"ts":64,"mode":"gcm"`, `"oKGio6SlpqcA","v":1,"iter":1,"ks":256,"ts":64,"mode":"ccm"`}, sjcl.ErrUnsupported},
		"a mode that is 1":     {edit{`"gcm"`, `1`}, sjcl.ErrMalformed},
		"a cipher that is nil": {edit{`"aes"`, `null`}, sjcl.ErrMalformed},

		"no iv":              {edit{`"iv":"oKGio6SlpqeoqaqrrK2urw==",`, ``}, sjcl.ErrMalformed},
		"no v":               {edit{`"v":1,`, ``}, sjcl.ErrMalformed},
		"no iter":            {edit{`"iter":10000,`, ``}, sjcl.ErrMalformed},
		"no ks":              {edit{`"ks":256,`, ``}, sjcl.ErrMalformed},
		"no ts":              {edit{`"ts":64,`, ``}, sjcl.ErrMalformed},
		"no mode":            {edit{`"mode":"gcm",`, ``}, sjcl.ErrMalformed},
		"no adata":           {edit{`"adata":"Y3R4",`, ``}, sjcl.ErrMalformed},
		"no cipher":          {edit{`"cipher":"aes",`, ``}, sjcl.ErrMalformed},
		"no ct":              {edit{`,"ct":"0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhB"`, ``}, sjcl.ErrMalformed},
		"salt in place of v": {edit{`"v":1,`, salt(8)}, sjcl.ErrMalformed},

		"two equal numbers":      {edit{`"v":1,`, `"v":1,"v":1,`}, sjcl.ErrMalformed},
		"two versions":           {edit{`"v":1,`, `"v":2,"v":1,`}, sjcl.ErrMalformed},
		"two ct":                 {edit{`"ct"`, `"ct":"","ct"`}, sjcl.ErrMalformed},
		"two salts":              {edit{`"ct"`, salt(1) + salt(1) + `"ct"`}, sjcl.ErrMalformed},
		"an unknown field":       {edit{`"v":1,`, `"v":1,"kemtag":"AA==",`}, sjcl.ErrMalformed},
		"a nameless field":       {edit{`"v":1,`, `"v":1,"":1,`}, sjcl.ErrMalformed},
		"an upper-case name":     {edit{`"v"`, `"V"`}, sjcl.ErrMalformed},
		"an upper-case double":   {edit{`"v":1,`, `"v":1,"V":1,`}, sjcl.ErrMalformed},
		"a name with an escape":  {edit{`"v"`, `"\u0076"`}, sjcl.ErrMalformed},
		"a value with an escape": {edit{`"gcm"`, `"g\u0063m"`}, sjcl.ErrMalformed},
		"a name that folds to k": {edit{`"ks"`, `"` + "\u212a" + `s"`}, sjcl.ErrMalformed},

		"tags of 32 bits":    {edit{`"ts":64`, `"ts":32`}, sjcl.ErrMalformed},
		"tags of 0 bits":     {edit{`"ts":64`, `"ts":0`}, sjcl.ErrMalformed},
		"tags of 120 bits":   {edit{`"ts":64`, `"ts":120`}, sjcl.ErrMalformed},
		"tags of 256 bits":   {edit{`"ts":64`, `"ts":256`}, sjcl.ErrMalformed},
		"keys of 0 bits":     {edit{`"ks":256`, `"ks":0`}, sjcl.ErrMalformed},
		"keys of 64 bits":    {edit{`"ks":256`, `"ks":64`}, sjcl.ErrMalformed},
		"keys of 512 bits":   {edit{`"ks":256`, `"ks":512`}, sjcl.ErrMalformed},
		"no iterations":      {edit{`10000`, `0`}, sjcl.ErrMalformed},
		"2^31 iterations":    {edit{`10000`, `2147483648`}, sjcl.ErrMalformed},
		"2^64+1 as version":  {edit{`"v":1`, `"v":18446744073709551617`}, sjcl.ErrMalformed},
		"a salt of 65 bytes": {edit{`"ct"`, salt(65) + `"ct"`}, sjcl.ErrMalformed},
		"an IV of 8 bytes":   {edit{`oKGio6SlpqeoqaqrrK2urw==`, `oKGio6Slpqc=`}, sjcl.ErrMalformed},
		"an empty IV":        {edit{`oKGio6SlpqeoqaqrrK2urw==`, ``}, sjcl.ErrMalformed},
		"half a tag":         {edit{`0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhB`, `0fF3bg==`}, sjcl.ErrMalformed},
		"less than a tag":    {edit{`"ts":64,"mode":"gcm","adata":"Y3R4","cipher":"aes","ct":"0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhB"`, `"ts":128,"mode":"gcm","adata":"","cipher":"aes","ct":"0fF3buWBqyGqwhtHxaHB"`}, sjcl.ErrMalformed},

		"a number with a sign":      {edit{`10000`, `-10000`}, sjcl.ErrMalformed},
		"a number with a plus":      {edit{`10000`, `+10000`}, sjcl.ErrMalformed},
		"minus zero":                {edit{`10000`, `-0`}, sjcl.ErrMalformed},
		"a number with a fraction":  {edit{`10000`, `10000.0`}, sjcl.ErrMalformed},
		"a number with an exponent": {edit{`10000`, `1e4`}, sjcl.ErrMalformed},
		"a number with a zero":      {edit{`10000`, `010000`}, sjcl.ErrMalformed},
		"a hexadecimal number":      {edit{`10000`, `0x10`}, sjcl.ErrMalformed},
		"a number with underscores": {edit{`10000`, `10_000`}, sjcl.ErrMalformed},
		"a number in quotes":        {edit{`10000`, `"10000"`}, sjcl.ErrMalformed},
		"true for a number":         {edit{`"v":1`, `"v":true`}, sjcl.ErrMalformed},
		"null for a number":         {edit{`"v":1`, `"v":null`}, sjcl.ErrMalformed},
		"an object for a number":    {edit{`"v":1`, `"v":{"v":1}`}, sjcl.ErrMalformed},
		"an array for a number":     {edit{`"v":1`, `"v":[1]`}, sjcl.ErrMalformed},
		"null for a string":         {edit{`"adata":"Y3R4"`, `"adata":null`}, sjcl.ErrMalformed},
		"a number for a string":     {edit{`"adata":"Y3R4"`, `"adata":1`}, sjcl.ErrMalformed},
		"an array for a string":     {edit{`"adata":"Y3R4"`, `"adata":[1]`}, sjcl.ErrMalformed},
		"null for a salt":           {edit{`"ct"`, `"salt":null,"ct"`}, sjcl.ErrMalformed},

		"base64 without padding":   {edit{`rK2urw==`, `rK2urw`}, sjcl.ErrMalformed},
		"base64 padded twice":      {edit{`"Y3R4"`, `"Y3R4===="`}, sjcl.ErrMalformed},
		"base64 with loose bits":   {edit{`rK2urw==`, `rK2urx==`}, sjcl.ErrMalformed},
		"base64 with a space":      {edit{`"Y3R4"`, `"Y3 R4"`}, sjcl.ErrMalformed},
		"base64 with an escape":    {edit{`"Y3R4"`, `"Y3\nR4"`}, sjcl.ErrMalformed},
		"base64 with a line end":   {edit{`"Y3R4"`, "\"Y3\nR4\""}, sjcl.ErrMalformed},
		"base64 of URLs":           {edit{`"Y3R4"`, `"Y3-_"`}, sjcl.ErrMalformed},
		"hexadecimal for base64":   {edit{`oKGio6SlpqeoqaqrrK2urw==`, `a0a1a2a3a4a5a6a7a8a9aaabacadaeaf`}, sjcl.ErrMalformed},
		"a byte that is not UTF-8": {edit{`"Y3R4"`, "\"\xff\""}, sjcl.ErrMalformed},

		"trailing text":        {edit{`8fhB"}`, `8fhB"}x`}, sjcl.ErrMalformed},
		"a trailing value":     {edit{`8fhB"}`, `8fhB"} 1`}, sjcl.ErrMalformed},
		"two objects":          {edit{`8fhB"}`, `8fhB"}{}`}, sjcl.ErrMalformed},
		"a second brace":       {edit{`8fhB"}`, `8fhB"}}`}, sjcl.ErrMalformed},
		"a zero byte":          {edit{`8fhB"}`, `8fhB"}` + "\x00"}, sjcl.ErrMalformed},
		"the wrong brace":      {edit{`8fhB"}`, `8fhB"]`}, sjcl.ErrMalformed},
		"no end":               {edit{`8fhB"}`, `8fhB"`}, sjcl.ErrMalformed},
		"a comma at the end":   {edit{`8fhB"}`, `8fhB",}`}, sjcl.ErrMalformed},
		"two commas":           {edit{`,"v"`, `,,"v"`}, sjcl.ErrMalformed},
		"no comma":             {edit{`,"v"`, `"v"`}, sjcl.ErrMalformed},
		"two colons":           {edit{`"v":`, `"v"::`}, sjcl.ErrMalformed},
		"no colon":             {edit{`"v":`, `"v"`}, sjcl.ErrMalformed},
		"a name without value": {edit{`"v":1`, `"v"`}, sjcl.ErrMalformed},
		"a name unquoted":      {edit{`"v"`, `v`}, sjcl.ErrMalformed},
		"single quotes":        {edit{`"v"`, `'v'`}, sjcl.ErrMalformed},
		"a comment":            {edit{`"v"`, `/**/"v"`}, sjcl.ErrMalformed},
		"a byte-order mark":    {edit{`{`, "\ufeff{"}, sjcl.ErrMalformed},
		"an array of the same": {edit{good, "[" + strings.ReplaceAll(good[1:len(good)-1], ":", ",") + "]"}, sjcl.ErrMalformed},
		"an array around it":   {edit{good, `[` + good + `]`}, sjcl.ErrMalformed},
		"a string around it":   {edit{good, `"{}"`}, sjcl.ErrMalformed},
		"an empty object":      {edit{good, `{}`}, sjcl.ErrMalformed},
		"an open object":       {edit{good, `{`}, sjcl.ErrMalformed},
		"null":                 {edit{good, `null`}, sjcl.ErrMalformed},
		"no text":              {edit{good, ``}, sjcl.ErrMalformed},
		"a text too long":      {edit{`8fhB"}`, `8fhB"}` + strings.Repeat(" ", sjcl.MaxMessage-len(good)+1)}, sjcl.ErrMalformed},
	} {
		m, err := sjcl.Parse(c.text(t))
		require.ErrorIs(t, err, c.err, name)
		require.Nil(t, m, name)
	}
}

func TestEveryPrefixIsRefused(t *testing.T) {
	for n := range len(good) {
		_, err := sjcl.Parse([]byte(good[:n]))
		require.ErrorIs(t, err, sjcl.ErrMalformed, n)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	require.Equal(t, 16777216, sjcl.MaxMessage)
	for want, e := range map[string]edit{
		"sjcl: malformed message: longer than 16 MiB":                                 {`8fhB"}`, `8fhB"}` + strings.Repeat(" ", sjcl.MaxMessage)},
		"sjcl: malformed message: not a single JSON object":                           {`8fhB"}`, `8fhB"}{}`},
		"sjcl: malformed message: string escape other than \\/":                       {`"gcm"`, `"g\u0063m"`},
		"sjcl: malformed message: a field is unknown, repeated or has the wrong type": {`"ts":64`, `"ts":6.4e1`},
		"sjcl: malformed message: a field is missing":                                 {`"ts":64,`, ``},
		"sjcl: malformed message: the IV must be 12 or 16 bytes long":                 {`oKGio6SlpqeoqaqrrK2urw==`, `oKGio6Slpqc=`},
		"sjcl: malformed message: iter must be at least 1":                            {`10000`, `0`},
		"sjcl: malformed message: ks must be 128, 192 or 256":                         {`"ks":256`, `"ks":64`},
		"sjcl: malformed message: ts must be 64, 96 or 128":                           {`"ts":64`, `"ts":32`},
		"sjcl: malformed message: the salt must be at most 64 bytes long":             {`"ct"`, salt(65) + `"ct"`},
		"sjcl: malformed message: ct is shorter than its tag":                         {`0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhB`, `0fF3bg==`},
		"sjcl: unsupported mode, cipher or version: v is not 1":                       {`"v":1`, `"v":2`},
		"sjcl: unsupported mode, cipher or version: mode is not gcm":                  {`"gcm"`, `"ccm"`},
		"sjcl: unsupported mode, cipher or version: cipher is not aes":                {`"aes"`, `"des"`},
	} {
		_, err := sjcl.Parse(e.text(t))
		require.EqualError(t, err, want)
	}
}

// TestParseNamesWhatIsMissing: a field that is not there is not one of a bad
// value.
func TestParseNamesWhatIsMissing(t *testing.T) {
	for _, name := range []string{"iv", "v", "iter", "ks", "ts", "mode", "adata", "cipher", "ct"} {
		text := regexp.MustCompile(`"`+name+`":("[^"]*"|\d+),?`).ReplaceAllString(good, "")
		text = regexp.MustCompile(`,}$`).ReplaceAllString(text, "}")
		_, err := sjcl.Parse([]byte(text))
		require.EqualError(t, err, "sjcl: malformed message: a field is missing", name)
	}
}
