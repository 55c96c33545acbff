package federation

import (
	"crypto/ed25519"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go-peer/oap"
)

const (
	longestExchange = 8192
	mostLife        = 900
	exchangeSkew    = 60
	mostKid         = 1<<32 - 1
)

var subjectText = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)

// Right is what an agent holds at its own hub.
type Right struct {
	Hub, CapID, Subject string
	Kid                 int64
}

// Vouched is what another hub said for its agent. Nothing is judged before Judge.
type Vouched struct {
	Right
	Audience, Nonce, Peer, Share string
	Topics, Verbs                []string
	At, Expires                  int64
	epoch                        int64
	key                          ed25519.PublicKey
	apps                         []int64
	limits                       []string
	message, signature           []byte
}

// ReadVouched reads the line of an exchange.
func ReadVouched(line []byte) (Vouched, bool) {
	if len(line) > longestExchange {
		return Vouched{}, false
	}
	o, ok := ParseCanonical(line)
	if !ok {
		return Vouched{}, false
	}
	r, sig := parts(o, exchangeTag)
	v := Vouched{message: sig.message, signature: sig.signature}
	v.Hub, _ = r.hub("hub")
	v.Audience, _ = r.hub("audience")
	r.hex("cap_id", 16)
	r.hex("nonce", 16)
	r.hex("share", shareIDByte)
	v.CapID, v.Nonce, v.Share = r.text("cap_id"), r.text("nonce"), r.text("share")
	v.Kid, v.epoch = r.integer("kid", 1, mostKid), r.integer("epoch", 1, largestInteger)
	v.At, v.Expires = r.time("at"), r.time("expires")
	v.Peer, v.key = r.peer("peer"), r.key("key")
	v.Topics, v.Verbs = r.names("topics", pattern, 1, 16), r.names("verbs", verbText, 1, 16)
	v.readRest(r)
	return v, r.ok
}

func (v *Vouched) readRest(r *reader) {
	known := []string{"at", "audience", "cap_id", "epoch", "expires", "hub", "key", "kid", "nonce", "peer", "share", "topics",
		"verbs", "subject", "apps", "rate", "streams", "max_bytes", "read_only"}
	r.only(known...)
	if r.has("subject") {
		v.Subject = r.matching("subject", subjectText)
	}
	if r.has("apps") {
		v.apps = r.numbers("apps", 1, 16, 0, 0xffff)
	}
	for name, caveat := range map[string]string{"rate": "rate <= %d/s", "streams": "streams <= %d", "max_bytes": "max-bytes <= %d"} {
		if r.has(name) {
			v.limits = append(v.limits, fmt.Sprintf(caveat, r.integer(name, 1, largestInteger)))
		}
	}
	slices.SortFunc(v.limits, func(a, b string) int { return limitPlace(a) - limitPlace(b) })
	if r.has("read_only") && r.boolean("read_only") {
		v.limits = append(v.limits, "read-only")
	}
}

func limitPlace(caveat string) int {
	return slices.IndexFunc([]string{"rate", "streams", "max-bytes"}, func(name string) bool { return strings.HasPrefix(caveat, name) })
}

// Proved judges whose word it is and whether it is for `audience` now, by the delegation of the link.
func (v Vouched) Proved(by Delegation, audience string, now int64) string {
	key, _ := ParsePeerID(by.PeerID)
	switch {
	case v.Hub != by.Hub:
		return "hub"
	case v.epoch != by.Epoch || !v.key.Equal(key):
		return "key"
	case v.At < by.NotBefore || v.At > by.NotAfter:
		return "time"
	case !ed25519.Verify(v.key, v.message, v.signature):
		return "signature"
	case v.Audience != audience:
		return "audience"
	case v.At > now+exchangeSkew || v.At < now-exchangeSkew:
		return "clock"
	case v.Expires <= now:
		return "expires"
	}
	return ""
}

// Ways says whether data goes in or out under a verb that is about topics.
type Ways map[string]string

// Caveats are those of the token that a grant lets the other hub have, or the refusal.
func (v Vouched) Caveats(grant Grant, ways Ways, now int64) ([]string, string) {
	if grant.Expired(now) {
		return nil, "expires"
	}
	row, ok := grant.row(v.Share)
	if !ok {
		return nil, "share"
	}
	for _, verb := range v.Verbs {
		if !grant.Allows(verb) || ways[verb] == "" {
			return nil, "verb"
		}
	}
	for _, verb := range v.Verbs {
		if dir := row["dir"]; dir != "both" && dir != ways[verb] {
			return nil, "dir"
		}
	}
	var topics []string
	for _, topic := range row["topics"].([]any) {
		topics = append(topics, topic.(string))
	}
	if topics = meetAll(topics, v.Topics); len(topics) == 0 {
		return nil, "topic"
	}
	return v.written(topics, grant, now), ""
}

func (v Vouched) written(topics []string, grant Grant, now int64) []string {
	list := []string{"verb = " + strings.Join(v.Verbs, ","), "topic = " + strings.Join(topics, ",")}
	if len(v.apps) > 0 {
		var apps []string
		for _, app := range v.apps {
			apps = append(apps, fmt.Sprintf("0x%04x", app))
		}
		list = append(list, "app = "+strings.Join(apps, ","))
	}
	list = append(list, "peer = "+v.Peer, "audience = "+v.Audience, "origin = "+v.Hub+"/"+v.CapID)
	expires := min(v.Expires, now+mostLife)
	if grant.Expires != 0 {
		expires = min(expires, grant.Expires)
	}
	return append(append(list, v.limits...), fmt.Sprintf("expires < %d", expires))
}

// row gives that of a share.
func (g Grant) row(share string) (oap.Object, bool) {
	rows, _ := g.Value["rows"].([]any)
	for _, item := range rows {
		row := item.(oap.Object)
		if row["share"].(oap.Object)["id"] == share {
			return row, true
		}
	}
	return nil, false
}
