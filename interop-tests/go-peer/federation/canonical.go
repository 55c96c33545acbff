// Package federation is what two hubs say to each other and how each judges it, as specs/federation-links.md and
// specs/federation-handshake.md describe it. It has no clock and no network: messages and time go in, messages and
// verdicts come out.
package federation

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"

	"go-peer/oap"
)

// Canonical gives the text of RFC 8785 for the values that oap.ParseObject yields, and for int.
func Canonical(value any) []byte { return appendValue(nil, value) }

// ParseCanonical gives an object whose text is strict and canonical.
func ParseCanonical(text []byte) (oap.Object, bool) {
	o, err := oap.ParseObject(text)
	return o, err == nil && bytes.Equal(Canonical(o), text)
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return appendString(b, v)
	case []any:
		return appendArray(b, v)
	case oap.Object:
		return appendObject(b, v)
	}
	panic(fmt.Sprintf("%T is no JSON value of this package", value))
}

func appendArray(b []byte, list []any) []byte {
	b = append(b, '[')
	for i, item := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, item)
	}
	return append(b, ']')
}

func appendObject(b []byte, o oap.Object) []byte {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		return slices.Compare(utf16.Encode([]rune(x)), utf16.Encode([]rune(y)))
	})
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = appendValue(b, o[name])
	}
	return append(b, '}')
}

var shortEscapes = map[byte]string{'"': `\"`, '\\': `\\`, 8: `\b`, 9: `\t`, 10: `\n`, 12: `\f`, 13: `\r`}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch escape, short := shortEscapes[s[i]]; {
		case short:
			b = append(b, escape...)
		case s[i] < 0x20:
			b = fmt.Appendf(b, `\u%04x`, s[i])
		default:
			b = append(b, s[i])
		}
	}
	return append(b, '"')
}
