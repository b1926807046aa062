package e2e

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// openAPI is what the tests read of openapi.json.
var openAPI struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Ref     string `json:"$ref"`
			Content map[string]struct {
				Schema struct {
					Ref string `json:"$ref"`
				}
			}
		}
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]any
			Required   []string
		}
	}
}

var readOpenAPI sync.Once

// requireDescribed checks that openapi.json has an answer. For a refusal, the
// body is the code.
func requireDescribed(t testing.TB, route server.Route, status int, body []byte) {
	t.Helper()
	readOpenAPI.Do(func() {
		text, err := os.ReadFile("../openapi.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &openAPI))
	})
	answer, ok := openAPI.Paths[route.Path][strings.ToLower(route.Method)].Responses[strconv.Itoa(status)]
	require.True(t, ok, "%s %s with status %d is not described", route.Method, route.Path, status)
	if status != 200 {
		require.Contains(t, strings.Split(strings.TrimPrefix(answer.Ref, "#/components/responses/"), "."), string(body), "%s %s", route.Method, route.Path)
		return
	}
	schema := openAPI.Components.Schemas[strings.TrimPrefix(answer.Content["application/json"].Schema.Ref, "#/components/schemas/")]
	var members map[string]any
	require.NoError(t, json.Unmarshal(body, &members))
	for _, name := range schema.Required {
		require.NotNil(t, members[name], "%s of %s %s", name, route.Method, route.Path)
	}
	for name := range members {
		require.Contains(t, schema.Properties, name)
	}
}
