package approval

import (
	"fmt"
	"io"
)

func redact(f fmt.State, name string) { io.WriteString(f, "approval."+name+"(redacted)") }

func redactJSON(name string) ([]byte, error) { return []byte(`"approval.` + name + `(redacted)"`), nil }
