package replaytest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nescio-go/nescio/opaque"
)

type replay func(ctx context.Context, id [16]byte, expires time.Time) (bool, error)

func (f replay) Consume(ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
	return f(ctx, id, expires)
}

// shared opens one store whose calls go through f to a correct one.
func shared(f func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error)) func() func() opaque.Replay {
	return func() func() opaque.Replay {
		inner := newTable()
		r := replay(func(ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			return f(inner, ctx, id, expires)
		})
		return func() opaque.Replay { return r }
	}
}

// mangled opens one store that changes ids.
func mangled(f func(id []byte) string) func() func() opaque.Replay {
	return shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
		var other [16]byte
		copy(other[:], f(id[:]))
		return inner.Consume(ctx, other, expires)
	})
}

// until opens one store that changes expires.
func until(f func(expires time.Time) time.Time) func() func() opaque.Replay {
	return shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
		return inner.Consume(ctx, id, f(expires))
	})
}

// wait stands for the time that a query takes, in which other calls run.
func wait() { runtime.Gosched() }

var errStore = errors.New("store error")

// faults are stores, each with one thing wrong, with the subtest that finds it
// and a part of its message.
var faults = []struct {
	name, fails, says string
	store             func() func() opaque.Replay
}{
	{"always first", "FirstOnce", "answer true only once",
		shared(func(*table, context.Context, [16]byte, time.Time) (bool, error) { return true, nil })},
	{"never first", "FirstOnce", "never used must be first",
		shared(func(*table, context.Context, [16]byte, time.Time) (bool, error) { return false, nil })},
	{"always an error", "FirstOnce", "returned an error: store error",
		shared(func(*table, context.Context, [16]byte, time.Time) (bool, error) { return false, errStore })},
	{"forgets at once", "FirstOnce", "answer true only once",
		until(func(time.Time) time.Time { return time.Time{} })},
	{"forgets what is seen again", "FirstOnce", "answer true only once",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			first, err := inner.Consume(ctx, id, expires)
			if !first {
				inner.put(id, time.Time{})
			}
			return first, err
		})},
	{"nil", "FirstOnce", "open returned nil", func() func() opaque.Replay { return func() opaque.Replay { return nil } }},

	{"reads, then writes", "Concurrent", "one atomic step",
		shared(func(inner *table, _ context.Context, id [16]byte, expires time.Time) (bool, error) {
			if inner.has(id) {
				return false, nil
			}
			wait()
			inner.put(id, expires)
			return true, nil
		})},
	{"writes, then reads", "Concurrent", "none of 8 concurrent calls was first", func() func() opaque.Replay {
		var mu sync.Mutex
		calls := make(map[[16]byte]int)
		return shared(func(_ *table, _ context.Context, id [16]byte, _ time.Time) (bool, error) {
			mu.Lock()
			calls[id]++
			mu.Unlock()
			wait()
			mu.Lock()
			defer mu.Unlock()
			return calls[id] == 1, nil
		})()
	}},
	{"busy", "Concurrent", "returned an error while 8 goroutines called it: store error", func() func() opaque.Replay {
		var busy atomic.Bool
		return shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if !busy.CompareAndSwap(false, true) {
				return false, errStore
			}
			defer busy.Store(false)
			wait()
			return inner.Consume(ctx, id, expires)
		})()
	}},

	{"a copy in each handle", "TwoHandles", "known to all others at once", func() func() opaque.Replay {
		return func() opaque.Replay { return newTable() }
	}},
	{"a lock in each handle", "TwoHandlesConcurrent", "The store itself must", func() func() opaque.Replay {
		inner := newTable()
		return func() opaque.Replay {
			var mu sync.Mutex
			return replay(func(_ context.Context, id [16]byte, expires time.Time) (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				if inner.has(id) {
					return false, nil
				}
				wait()
				inner.put(id, expires)
				return true, nil
			})
		}
	}},
	{"empty when opened", "Reopened", "A restart must not forget ids", func() func() opaque.Replay {
		inner := newTable()
		return func() opaque.Replay {
			inner.clear()
			return inner
		}
	}},

	{"forgets after half a second", "UntilExpires", "must be kept until expires",
		until(func(time.Time) time.Time { return time.Now().Add(time.Second / 2) })},
	{"forgets after a second and a half", "UntilExpires", "it",
		until(func(time.Time) time.Time { return time.Now().Add(3 * time.Second / 2) })},
	{"whole seconds", "UntilExpires", "round up where the store's times are coarse",
		until(func(expires time.Time) time.Time { return expires.Truncate(time.Second) })},
	{"no time zone", "UntilExpires", "Does the store drop the time zone",
		until(func(expires time.Time) time.Time {
			_, offset := expires.Zone()
			return expires.Add(time.Duration(offset) * time.Second)
		})},
	{"one expiry for all", "UntilExpires", "must be kept until expires", func() func() opaque.Replay {
		var mu sync.Mutex
		var all time.Time
		return shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			if !time.Now().Before(all) {
				inner.clear()
			}
			all = expires
			return inner.Consume(ctx, id, time.Now().Add(time.Hour))
		})()
	}},
	{"keeps the latest hundred", "UntilExpires", "keep only the latest ids", func() func() opaque.Replay {
		var mu sync.Mutex
		var queue [][16]byte
		return shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			if queue = append(queue, id); len(queue) > 100 {
				inner.put(queue[0], time.Time{})
				queue = queue[1:]
			}
			return inner.Consume(ctx, id, expires)
		})()
	}},

	{"expires in the key", "OtherExpires", "Only the id decides", func() func() opaque.Replay {
		type key struct {
			id      [16]byte
			expires int64
		}
		var used sync.Map
		return shared(func(_ *table, _ context.Context, id [16]byte, expires time.Time) (bool, error) {
			_, loaded := used.LoadOrStore(key{id, expires.UnixNano()}, true)
			return !loaded, nil
		})()
	}},
	{"the latest expires", "OtherExpires", "must not shorten the time of the first",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			first, err := inner.Consume(ctx, id, expires)
			if time.Now().Before(expires) {
				inner.put(id, expires)
			}
			return first, err
		})},

	{"an error for the past", "PastAndFuture", "returned an error: store error",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if !time.Now().Before(expires) {
				return false, errStore
			}
			return inner.Consume(ctx, id, expires)
		})},
	{"seconds of 32 bits", "PastAndFuture", "overflow in 2038",
		until(func(expires time.Time) time.Time { return time.Unix(int64(int32(expires.Unix())), 0) })},
	{"clears all at an expired id", "PastAndFuture", "must not change other ids",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if !time.Now().Before(expires) {
				inner.clear()
			}
			return inner.Consume(ctx, id, expires)
		})},

	{"the first half of an id", "SimilarIDs", "Compare all 16 bytes", mangled(func(id []byte) string { return string(id[:8]) })},
	{"all but the last byte", "SimilarIDs", "Compare all 16 bytes", mangled(func(id []byte) string { return string(id[:15]) })},
	{"all but the highest bits", "SimilarIDs", "Compare all 16 bytes", mangled(func(id []byte) string {
		other := bytes.Clone(id)
		for i := range other {
			other[i] &= 0x7f
		}
		return string(other)
	})},
	{"C strings", "SimilarIDs", "equal up to a zero byte", mangled(func(id []byte) string {
		if id[0] == 0 {
			return string(id) // the pair before
		}
		text, _, _ := strings.Cut(string(id), "\x00")
		return text
	})},
	{"empty C strings", "SimilarIDs", "begin with a zero byte", mangled(func(id []byte) string {
		if id[0] == 0 {
			return ""
		}
		return string(id)
	})},
	{"trimmed zeros", "SimilarIDs", "zero byte at another end", mangled(func(id []byte) string { return strings.Trim(string(id), "\x00") })},
	{"padded with spaces", "SimilarIDs", "a space and a zero byte", mangled(func(id []byte) string { return strings.TrimRight(string(id), " \x00") })},
	{"text lines", "SimilarIDs", "carriage return", mangled(func(id []byte) string {
		if letters(id[:15]) {
			return strings.ReplaceAll(string(id), "\r", "\n")
		}
		return string(id)
	})},
	{"text in lower case", "SimilarIDs", "upper and lower case", mangled(func(id []byte) string {
		other := bytes.Clone(id)
		for i, c := range other {
			if 'A' <= c && c <= 'Z' && letters(id) {
				other[i] += 'a' - 'A'
			}
		}
		return string(other)
	})},
	{"UTF-8", "SimilarIDs", "not UTF-8", mangled(func(id []byte) string {
		if letters(id[:15]) {
			return strings.ToValidUTF8(string(id), "?")
		}
		return string(id)
	})},
	{"wildcards", "SimilarIDs", "quotes and wildcards", mangled(func(id []byte) string {
		text, _, _ := strings.Cut(string(id), "%")
		if letters(id[:8]) {
			return text
		}
		return string(id)
	})},
	{"halves in any order", "SimilarIDs", "order of their halves", mangled(func(id []byte) string {
		if bytes.Compare(id[:8], id[8:]) > 0 {
			return string(id[8:]) + string(id[:8])
		}
		return string(id)
	})},
	{"digits without leading zeros", "SimilarIDs", "without leading zeros", func() func() opaque.Replay {
		var used sync.Map
		return shared(func(_ *table, _ context.Context, id [16]byte, _ time.Time) (bool, error) {
			text := ""
			if !letters(id[:14]) {
				text = string(id[:])
			}
			for _, b := range id {
				text += fmt.Sprintf("%x", b)
			}
			_, loaded := used.LoadOrStore(text, true)
			return !loaded, nil
		})()
	}},

	{"undoes on an error", "CancelledContext", "must not undo what another call recorded",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if err := ctx.Err(); err != nil {
				inner.put(id, time.Time{})
				return false, err
			}
			return inner.Consume(ctx, id, expires)
		})},
	{"first when cancelled", "CancelledContext", "which was used before. Return the error",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if ctx.Err() != nil {
				return true, nil
			}
			return inner.Consume(ctx, id, expires)
		})},
	{"not first when cancelled", "CancelledContext", "which was never used. Return the error",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if ctx.Err() != nil {
				return false, nil
			}
			return inner.Consume(ctx, id, expires)
		})},
	{"first before it is recorded", "CancelledContext", "Do not answer true before the id is recorded",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if ctx.Err() != nil {
				return !inner.has(id), nil
			}
			return inner.Consume(ctx, id, expires)
		})},
	{"cancelled in between", "CancelledContext", "Do not answer true before the id is recorded",
		shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if err := ctx.Err(); err != nil || inner.has(id) {
				return false, err
			}
			time.Sleep(200 * time.Microsecond)
			if ctx.Err() == nil {
				inner.put(id, expires)
			}
			return true, nil
		})},
	{"of no use after an error", "CancelledContext", "returned an error: store error", func() func() opaque.Replay {
		var broken atomic.Bool
		return shared(func(inner *table, ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
			if broken.Load() {
				return false, errStore
			}
			broken.Store(ctx.Err() != nil)
			return inner.Consume(ctx, id, expires)
		})()
	}},
}

// letters reports whether b is a pattern of the test's own, not random bytes.
func letters(b []byte) bool {
	for _, c := range b {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}
