package oap

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	MaxJSONBytes = 65536
	maxJSONDepth = 16
	maxInteger   = 1<<53 - 1
)

// Object is a JSON object by section 8.2; its values are Object, []any, string, int64, bool or nil.
type Object map[string]any

// ParseObject gives the object, or bad_payload or body_oversize.
func ParseObject(text []byte) (Object, error) {
	if len(text) > MaxJSONBytes {
		return nil, fail("body_oversize", "the JSON text is longer than 65536 bytes")
	}
	if !utf8.Valid(text) {
		return nil, fail("bad_payload", "not UTF-8")
	}
	p := &parser{text: text}
	p.space()
	value, ok := p.object(1)
	p.space()
	if !ok || p.at != len(text) {
		return nil, fail("bad_payload", "not one valid JSON object: wrong at byte "+strconv.Itoa(p.at))
	}
	return value, nil
}

type parser struct {
	text []byte
	at   int
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() == c && p.at < len(p.text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) space() {
	for p.peek() == ' ' || p.peek() == '\t' || p.peek() == '\n' || p.peek() == '\r' {
		p.at++
	}
}

func (p *parser) word(w string) bool {
	if len(p.text)-p.at >= len(w) && string(p.text[p.at:p.at+len(w)]) == w {
		p.at += len(w)
		return true
	}
	return false
}

func (p *parser) value(depth int) (any, bool) {
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.string()
	case c == 't':
		return true, p.word("true")
	case c == 'f':
		return false, p.word("false")
	case c == 'n':
		return nil, p.word("null")
	}
	return p.integer()
}

func (p *parser) object(depth int) (Object, bool) {
	o := Object{}
	if depth > maxJSONDepth || !p.take('{') {
		return nil, false
	}
	p.space()
	for first := true; !p.take('}'); first = false {
		if !first && !p.take(',') {
			return nil, false
		}
		p.space()
		name, ok := p.string()
		p.space()
		if _, twice := o[name]; !ok || twice || !p.take(':') {
			return nil, false
		}
		p.space()
		value, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		o[name] = value
		p.space()
	}
	return o, true
}

func (p *parser) array(depth int) (any, bool) {
	list := []any{}
	if depth > maxJSONDepth || !p.take('[') {
		return nil, false
	}
	p.space()
	for first := true; !p.take(']'); first = false {
		if !first && !p.take(',') {
			return nil, false
		}
		p.space()
		value, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, value)
		p.space()
	}
	return list, true
}

func (p *parser) integer() (any, bool) {
	from := p.at
	p.take('-')
	digits := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	n, err := strconv.ParseInt(string(p.text[from:p.at]), 10, 64)
	if err != nil || p.text[digits] == '0' && p.at-digits > 1 || n > maxInteger || n < -maxInteger {
		return nil, false
	}
	c := p.peek()
	return n, c != '.' && c != 'e' && c != 'E'
}

func (p *parser) string() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	var out []byte
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return string(out), true
		case c < 0x20:
			return "", false
		case c != '\\':
			out = append(out, c)
			p.at++
		default:
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return "", false
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9}

func (p *parser) escape() (rune, bool) {
	p.at++
	if r, ok := escapes[p.peek()]; ok {
		p.at++
		return r, true
	}
	first, ok := p.unit()
	if !ok || !utf16.IsSurrogate(first) {
		return first, ok
	}
	if !p.take('\\') {
		return 0, false
	}
	second, ok := p.unit()
	r := utf16.DecodeRune(first, second)
	return r, ok && r != utf8.RuneError
}

func (p *parser) unit() (rune, bool) {
	if !p.take('u') || p.at+4 > len(p.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	p.at += 4
	return rune(n), err == nil
}
