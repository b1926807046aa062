//go:build race

package recovery

// raceEnabled reports whether the race detector is on, under which the model
// test takes ten times as long.
const raceEnabled = true
