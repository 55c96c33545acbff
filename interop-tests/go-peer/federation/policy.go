package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"

	"go-peer/oap"
)

const (
	policyBytes  = 65_536
	mostListed   = 256
	mostWeight   = 1000
	mostScore    = 16_000
	mostVersion  = 1<<31 - 1
	mostItemSize = 1 << 30
)

var (
	itemType  = regexp.MustCompile(`^(mailbox\.message|other)$`)
	itemKind  = regexp.MustCompile(`^mailbox\.(shared|directed)$`)
	standings = regexp.MustCompile(`^(allowed|expired|quarantined|unknown)$`)
	verdicts  = regexp.MustCompile(`^(valid|bad|revoked)$`)
	anyText   = regexp.MustCompile(``)
	shareID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// Evidence is what is known of an item before it is taken.
type Evidence struct {
	kind, origin, share, typ, standing, signature string
	bytes                                         int64
}

// ParseEvidence reads an object of exactly the members of specs/federation-policy.md, section 3.
func ParseEvidence(value any) (Evidence, bool) {
	r := read(value)
	r.only("kind", "origin", "share", "id", "type", "bytes", "number", "standing", "signature")
	e := Evidence{
		kind:      r.matching("kind", itemKind),
		share:     r.matching("share", shareID),
		typ:       r.matching("type", itemType),
		standing:  r.matching("standing", standings),
		signature: r.matching("signature", verdicts),
		bytes:     r.integer("bytes", 0, mostItemSize),
	}
	e.origin, _ = r.hub("origin")
	r.hex("id", sha256.Size)
	if r.has("number") || e.kind == "mailbox.shared" {
		r.integer("number", 1, largestInteger)
	}
	return e, r.ok
}

type rule struct {
	weight int64
	holds  func(Evidence) bool
}

// Policy is how items are judged.
type Policy struct {
	text                         []byte
	rules                        map[string]rule
	maxBytes, acceptFrom, reject int64
}

// ParsePolicy reads a file of specs/federation-policy.md, section 2.
func ParsePolicy(file []byte) (*Policy, bool) {
	if len(file) > policyBytes {
		return nil, false
	}
	o, err := oap.ParseObject(file)
	if err != nil {
		return nil, false
	}
	r := read(o)
	r.only("policy", "version", "max_bytes", "accept_from", "reject_to", "rules")
	r.integer("policy", 1, 1)
	r.integer("version", 1, mostVersion)
	p := &Policy{
		text:       Canonical(o),
		rules:      map[string]rule{},
		maxBytes:   r.integer("max_bytes", 0, mostItemSize),
		acceptFrom: r.integer("accept_from", -mostScore, mostScore),
		reject:     r.integer("reject_to", -mostScore, mostScore),
	}
	r.check(p.reject < p.acceptFrom)
	rules := read(o["rules"])
	r.check(rules.ok)
	for name := range rules.o {
		one, ok := parseRule(name, rules.o[name])
		r.check(ok)
		p.rules[name] = one
	}
	return p, r.ok
}

func parseRule(name string, value any) (rule, bool) {
	r := read(value)
	weight := r.integer("weight", -mostWeight, mostWeight)
	member := ""
	var holds func(Evidence) bool
	switch name {
	case "directed_item":
		holds = func(e Evidence) bool { return e.kind == "mailbox.directed" }
	case "shared_item":
		holds = func(e Evidence) bool { return e.kind == "mailbox.shared" }
	case "doubted_origin", "trusted_origin":
		member = "origins"
		origins := r.names(member, anyText, 1, mostListed)
		for _, origin := range origins {
			_, is := ParseHubID(origin)
			r.check(is)
		}
		holds = func(e Evidence) bool { return slices.Contains(origins, e.origin) }
	case "doubted_share", "trusted_share":
		member = "shares"
		shares := r.names(member, shareID, 1, mostListed)
		holds = func(e Evidence) bool { return slices.Contains(shares, e.share) }
	case "huge_body", "large_body":
		member = "over"
		over := r.integer(member, 0, mostItemSize)
		holds = func(e Evidence) bool { return e.bytes > over }
	case "known_type", "unknown_type":
		member = "types"
		types := r.names(member, itemType, 1, mostListed)
		holds = func(e Evidence) bool { return slices.Contains(types, e.typ) == (name == "known_type") }
	default:
		return rule{}, false
	}
	r.only("weight", member)
	return rule{weight, holds}, r.ok
}

// Text is the canonical JSON of the policy.
func (p *Policy) Text() []byte { return p.text }

// Hash names the policy.
func (p *Policy) Hash() string {
	sum := sha256.Sum256(p.text)
	return hex.EncodeToString(sum[:])
}

// Decide gives the canonical JSON of what the policy says of an item.
func (p *Policy) Decide(e Evidence) []byte {
	reasons, signals, score := []any{}, []any{}, int64(0)
	for _, failure := range []struct {
		name string
		is   bool
	}{
		{"bad_signature", e.signature == "bad"},
		{"revoked_key", e.signature == "revoked"},
		{"not_allowlisted", e.standing == "unknown"},
		{"treaty_expired", e.standing == "expired"},
		{"origin_quarantined", e.standing == "quarantined"},
		{"too_large", e.bytes > p.maxBytes},
	} {
		if failure.is {
			reasons = append(reasons, failure.name)
		}
	}
	isHard := len(reasons) > 0
	names := make([]string, 0, len(p.rules))
	for name, one := range p.rules {
		if one.holds(e) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		weight := p.rules[name].weight
		score += weight
		reasons = append(reasons, name)
		signals = append(signals, oap.Object{"rule": name, "weight": weight})
	}
	verdict := "quarantine"
	switch {
	case isHard || score <= p.reject:
		verdict = "reject"
	case score >= p.acceptFrom:
		verdict = "accept"
	}
	return Canonical(oap.Object{"reasons": reasons, "score": score, "signals": signals, "verdict": verdict})
}
