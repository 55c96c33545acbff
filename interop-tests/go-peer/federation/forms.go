package federation

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"unicode"
	"unicode/utf8"

	"go-peer/oap"
)

const (
	latestTime     = 8_640_000_000_000
	largestInteger = 1<<53 - 1
	reasonBytes    = 256
)

var (
	nodeName  = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	algorithm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	verbText  = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}:[a-z][a-z0-9_-]{0,63}$`)
	shareName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	pattern   = regexp.MustCompile(`^(?:(?:[A-Za-z0-9._~-]+|\*)/)*(?:[A-Za-z0-9._~-]+|\*\*?)$`)
	lowerHex  = regexp.MustCompile(`^[0-9a-f]*$`)
)

// reader looks at the members of an object; ok turns false with the first that is missing or of another form.
type reader struct {
	o  oap.Object
	ok bool
}

func read(value any) *reader {
	o, is := value.(oap.Object)
	return &reader{o, is}
}

func (r *reader) has(name string) bool { _, there := r.o[name]; return there }

func (r *reader) check(holds bool) { r.ok = r.ok && holds }

// only refuses members that are not named.
func (r *reader) only(names ...string) {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for name := range r.o {
		r.check(known[name])
	}
}

func (r *reader) text(name string) string {
	s, is := r.o[name].(string)
	r.check(is)
	return s
}

func (r *reader) matching(name string, form *regexp.Regexp) string {
	s := r.text(name)
	r.check(form.MatchString(s))
	return s
}

func (r *reader) integer(name string, least, most int64) int64 {
	n, is := r.o[name].(int64)
	r.check(is && n >= least && n <= most)
	return n
}

func (r *reader) time(name string) int64 { return r.integer(name, 1, latestTime) }

func (r *reader) boolean(name string) bool {
	b, is := r.o[name].(bool)
	r.check(is)
	return b
}

// hex gives n bytes.
func (r *reader) hex(name string, n int) []byte {
	s := r.matching(name, lowerHex)
	b, err := hex.DecodeString(s)
	r.check(err == nil && len(b) == n)
	return b
}

func (r *reader) key(name string) ed25519.PublicKey {
	key := r.hex(name, ed25519.PublicKeySize)
	r.check(usable(key))
	return key
}

func (r *reader) hub(name string) (string, ed25519.PublicKey) {
	text := r.text(name)
	key, is := ParseHubID(text)
	r.check(is)
	return text, key
}

func (r *reader) peer(name string) string {
	text := r.text(name)
	_, is := ParsePeerID(text)
	r.check(is)
	return text
}

func (r *reader) list(name string, least, most int) []any {
	list, is := r.o[name].([]any)
	r.check(is && len(list) >= least && len(list) <= most)
	return list
}

// texts are of one form, in any order.
func (r *reader) texts(name string, form *regexp.Regexp, least, most int) []string {
	var texts []string
	for _, item := range r.list(name, least, most) {
		s, is := item.(string)
		r.check(is && form.MatchString(s))
		texts = append(texts, s)
	}
	return texts
}

// names are texts that ascend, and none is there twice.
func (r *reader) names(name string, form *regexp.Regexp, least, most int) []string {
	names := r.texts(name, form, least, most)
	for i := 1; i < len(names); i++ {
		r.check(names[i-1] < names[i])
	}
	return names
}

func (r *reader) numbers(name string, least, most int, lowest, highest int64) []int64 {
	var numbers []int64
	for _, item := range r.list(name, least, most) {
		n, is := item.(int64)
		r.check(is && n >= lowest && n <= highest && (len(numbers) == 0 || numbers[len(numbers)-1] < n))
		numbers = append(numbers, n)
	}
	return numbers
}

func (r *reader) signature(name string) []byte {
	b, is := signatureOf(r.o[name])
	r.check(is)
	return b
}

func signatureOf(value any) ([]byte, bool) {
	s, _ := value.(string)
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return b, err == nil && len(b) == ed25519.SignatureSize && base64.StdEncoding.EncodeToString(b) == s
}

// reason reads one line for people.
func (r *reader) reason(name string) {
	s := r.text(name)
	r.check(len(s) <= reasonBytes && utf8.ValidString(s))
	for _, c := range s {
		r.check(!unicode.IsControl(c))
	}
}
