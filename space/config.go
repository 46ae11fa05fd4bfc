package space

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Config is one configuration: parameter name to value.
type Config map[string]Value

// ID identifies the configuration of an engine by 12 hex digits: the head of the
// SHA-256 of the engine's name and the sorted name=value lines.
func (c Config) ID(engine string) string {
	h := sha256.New()
	fmt.Fprintln(h, engine)
	for _, name := range slices.Sorted(maps.Keys(c)) {
		v := c[name]
		fmt.Fprintf(h, "%s=%d:%s\n", name, v.kind, v)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// String is c as sorted name=value pairs between spaces.
func (c Config) String() string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(c)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", name, c[name])
	}
	return b.String()
}
