module github.com/nescio-go/nescio/internal/interop

go 1.26.0

require (
	github.com/ProtonMail/go-crypto v1.5.2
	github.com/ProtonMail/go-srp v0.0.7
	github.com/nescio-go/nescio v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	filippo.io/bigmod v0.1.0 // indirect
	filippo.io/edwards25519 v1.2.0 // indirect
	filippo.io/nistec v0.0.4 // indirect
	github.com/ProtonMail/bcrypt v0.0.0-20210511135022-227b4adcab57 // indirect
	github.com/cloudflare/circl v1.6.5 // indirect
	github.com/cronokirby/saferith v0.33.0 // indirect
	github.com/gtank/ristretto255 v0.2.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/nescio-go/nescio => ../..
