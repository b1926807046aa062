package server

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// before reads the parameter before of a list. It is the time in milliseconds and
// the id of the last entry of the page before. Without it, the list begins with
// the newest entry.
func (c *call) before() (t time.Time, id store.ID, err error) {
	text, err := c.parameter("before")
	if err != nil || text == "" {
		return time.UnixMilli(math.MaxInt64), id, err
	}
	first, second, _ := strings.Cut(text, "-")
	ms, err := strconv.ParseUint(first, 10, 63)
	if err != nil || (*api.ID)(&id).UnmarshalText([]byte(second)) != nil {
		return t, id, errCode(api.Malformed, "before must be from the page before")
	}
	return time.UnixMilli(int64(ms)), id, nil
}

// cursor is the parameter before of the page after an entry.
func cursor(t time.Time, id store.ID) string { return fmt.Sprintf("%d-%s", t.UnixMilli(), api.ID(id)) }
