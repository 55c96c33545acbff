package federation

import (
	"regexp"
	"slices"

	"go-peer/oap"
)

const (
	grantBytes  = 49152
	topicBytes  = 255
	mostRows    = 64
	mostVerbs   = 256
	mostTopics  = 16
	shareIDByte = 16
)

var anyClass = regexp.MustCompile(`^(?:public|federated)$`)

// Grant is what one hub lets another do, as the other is told it.
type Grant struct {
	Verbs []string
	// Expires is the Unix second from which none of it holds, 0 where it does not end.
	Expires int64
	Value   oap.Object
}

// Allows tells that the verb stands in the grant.
func (g Grant) Allows(verb string) bool { return slices.Contains(g.Verbs, verb) }

// Expired tells that none of it holds any more.
func (g Grant) Expired(now int64) bool { return g.Expires != 0 && now >= g.Expires }

// ReadGrant reads the form of a treaty on the wire; members that it does not know stay in Value.
func ReadGrant(value any) (Grant, bool) {
	r := read(value)
	g := Grant{Value: r.o}
	g.Verbs = r.texts("verbs", verbText, 0, mostVerbs)
	r.texts("classes", anyClass, 0, 2)
	r.boolean("witness")
	r.integer("window_s", 60, 31_622_400)
	readQuotas(r)
	readRows(r)
	if r.has("expires") {
		g.Expires = r.time("expires")
	}
	return g, r.ok && len(Canonical(r.o)) <= grantBytes
}

func readQuotas(r *reader) {
	q := read(r.o["quotas"])
	q.integer("calls_per_s", 1, 1_000_000_000)
	q.integer("bytes_per_s", 1<<20, 1<<40)
	q.integer("streams", 1, 65_536)
	r.check(q.ok)
}

func readRows(r *reader) {
	seen := map[string]bool{}
	for _, item := range r.list("rows", 0, mostRows) {
		row := read(item)
		share := read(row.o["share"])
		id := share.text("id")
		share.hex("id", shareIDByte)
		share.matching("name", shareName)
		dir := row.text("dir")
		row.check(dir == "in" || dir == "out" || dir == "both")
		for _, topic := range row.texts("topics", pattern, 1, mostTopics) {
			row.check(len(topic) <= topicBytes)
		}
		row.boolean("relay")
		row.check(share.ok && !seen[id])
		seen[id] = true
		r.check(row.ok)
	}
}

// Shared is a row both ways.
type Shared struct{ ID, Name, Topic string }

// NewGrant is a treaty of these verbs and shares.
func NewGrant(expires int64, verbs []string, shares ...Shared) Grant {
	rows := []any{}
	for _, s := range shares {
		rows = append(rows, oap.Object{
			"dir": "both", "relay": false, "share": oap.Object{"id": s.ID, "name": s.Name}, "topics": []any{s.Topic},
		})
	}
	value := oap.Object{
		"classes": []any{}, "quotas": oap.Object{"bytes_per_s": int64(1 << 24), "calls_per_s": int64(100), "streams": int64(64)},
		"rows": rows, "verbs": ascending(verbs), "window_s": int64(604_800), "witness": false,
	}
	if expires != 0 {
		value["expires"] = expires
	}
	g, ok := ReadGrant(value)
	if !ok {
		panic("a treaty that nobody would take")
	}
	return g
}
