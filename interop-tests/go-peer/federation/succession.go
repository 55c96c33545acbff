package federation

import (
	"crypto/ed25519"

	"go-peer/oap"
)

const (
	successionTag     = "omnigate/hub-succession/1"
	longestSuccession = 2048
	longestChain      = 64
)

// Succession is the word of two hub keys that the hub of the first goes on as that of the second.
type Succession struct {
	Hub, Successor       string
	hubKey, successorKey ed25519.PublicKey
	message              []byte
	signatures           [2][]byte
}

// ReadSuccession reads the form of a succession inside other JSON. Nothing is verified.
func ReadSuccession(value any) (Succession, bool) {
	outer := read(value)
	outer.only("signatures", "statement")
	var s Succession
	for i, item := range outer.list("signatures", 2, 2) {
		signature, is := signatureOf(item)
		outer.check(is)
		if i < len(s.signatures) {
			s.signatures[i] = signature
		}
	}
	r := read(outer.o["statement"])
	r.check(outer.ok)
	s.message = signedText(successionTag, r.o)
	s.Hub, s.hubKey = r.hub("hub")
	s.Successor, s.successorKey = r.hub("successor")
	r.time("at")
	r.reason("reason")
	r.only("at", "hub", "reason", "successor")
	return s, r.ok
}

// SuccessionLine reads a succession that travels alone.
func SuccessionLine(line string) (Succession, bool) {
	o, ok := parseLine(line, longestSuccession)
	if !ok {
		return Succession{}, false
	}
	return ReadSuccession(o)
}

// Successions are those that are known, by the hub that ends.
type Successions map[string]string

// Learn gives the verdict of section 6.2, and keeps what is new.
func (known Successions) Learn(s Succession) string {
	next, ends := known[s.Hub]
	switch {
	case s.Hub == s.Successor:
		return "cycle"
	case !ed25519.Verify(s.hubKey, s.message, s.signatures[0]):
		return "signature"
	case !ed25519.Verify(s.successorKey, s.message, s.signatures[1]):
		return "successor_signature"
	case ends && next == s.Successor:
		return "known"
	case ends:
		return "equivocation"
	}
	after := known.Chain(s.Successor)
	for _, hub := range after {
		if hub == s.Hub {
			return "cycle"
		}
	}
	for _, successor := range known {
		if successor == s.Successor {
			return "taken"
		}
	}
	if known.before(s.Hub)+len(after) > longestChain {
		return "full"
	}
	known[s.Hub] = s.Successor
	return "new"
}

// Chain is a hub and those that come after it.
func (known Successions) Chain(hub string) []string {
	chain := []string{hub}
	for {
		next, more := known[chain[len(chain)-1]]
		if !more {
			return chain
		}
		chain = append(chain, next)
	}
}

// before counts the successions that lead to a hub.
func (known Successions) before(hub string) int { return len(known.Until(hub)) - 1 }

// Until is a hub and those before it, itself first.
func (known Successions) Until(hub string) []string {
	for ends, successor := range known {
		if successor == hub {
			return append([]string{hub}, known.Until(ends)...)
		}
	}
	return []string{hub}
}

// Confirm gives why an operator may not put a successor in the place of a hub; nothing when they may.
func (known Successions) Confirm(allowed func(string) bool, hub, successor string) string {
	if !allowed(hub) {
		return "not_allowed"
	}
	follows := false
	for _, after := range known.Chain(hub)[1:] {
		follows = follows || after == successor
	}
	switch {
	case !follows:
		return "not_successor"
	case allowed(successor):
		return "already_allowed"
	}
	return ""
}

// RecordKind says which record a line is, by its members; nothing for one that cannot be read.
func RecordKind(line string) string {
	o, ok := parseLine(line, longestDelegation)
	if !ok {
		return ""
	}
	statement, _ := o["statement"].(oap.Object)
	_, signatures := o["signatures"]
	_, role := statement["role"]
	switch {
	case signatures:
		_, ok = SuccessionLine(line)
		return kindIf("succession", ok)
	case role:
		_, ok = DelegationLine(line)
		return kindIf("delegation", ok)
	}
	_, ok = KeyRevocationLine(line)
	return kindIf("key_revocation", ok)
}

func kindIf(kind string, ok bool) string {
	if ok {
		return kind
	}
	return ""
}
