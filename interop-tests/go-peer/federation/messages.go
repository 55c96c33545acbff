package federation

import (
	"time"

	"go-peer/oap"
)

const (
	version        = 1
	algorithmName  = "ed25519-sha256"
	helloBytes     = 4096
	challengeBytes = 4096
	proofBytes     = 65536
	checkpointMost = 4096
	mostValues     = 4096
	// PurposeLink and PurposePair are what a proof is for.
	PurposeLink = "link"
	PurposePair = "pair"
	roleAsks    = "initiator"
	roleAnswers = "responder"
)

// Message is what travels in one direction of a call.
type Message struct {
	// Kind is hello, challenge or proof.
	Kind string
	// Purpose is that of the call in which a proof travels.
	Purpose        string
	Body           []byte
	Signature, Mac []byte
}

type hello struct {
	from, to, nonce, federation string
	versions                    []int64
	algs, must                  []string
}

type challenge struct {
	from, to, nonce, answers, federation, alg string
	version                                   int64
	must                                      []string
	delegation                                Delegation
}

type proof struct {
	from, to, role, purpose string
	asks, answers           string
	must                    []string
	delegation              Delegation
	treaty                  Grant
	facts                   oap.Object
}

func parseMessage(body []byte, most int) *reader {
	o, ok := ParseBounded(body, most)
	return &reader{o, ok}
}

// ParseBounded gives an object whose text is strict, canonical, of at most so many bytes, and of as many values as a
// message may hold.
func ParseBounded(text []byte, most int) (oap.Object, bool) {
	if len(text) > most {
		return nil, false
	}
	o, ok := ParseCanonical(text)
	return o, ok && values(o) <= mostValues
}

// values are the members and items of a value in all.
func values(value any) int {
	n := 0
	switch v := value.(type) {
	case oap.Object:
		for _, member := range v {
			n += 1 + values(member)
		}
	case []any:
		for _, item := range v {
			n += 1 + values(item)
		}
	}
	return n
}

func (r *reader) nonce(name string) string {
	r.hex(name, 32)
	return r.text(name)
}

func (r *reader) ends() (from, to string) { return r.peer("from"), r.peer("to") }

func (r *reader) must() []string {
	if !r.has("must") {
		return nil
	}
	return r.names("must", algorithm, 0, 8)
}

func readHello(body []byte) (hello, bool) {
	r := parseMessage(body, helloBytes)
	var h hello
	h.from, h.to = r.ends()
	h.nonce, h.federation = r.nonce("nonce"), r.matching("federation", nodeName)
	h.versions = r.numbers("versions", 1, 8, 1, 65_535)
	h.algs = r.names("algs", algorithm, 1, 8)
	h.must = r.must()
	r.hex("boot", 16)
	r.time("time")
	return h, r.ok
}

func readChallenge(body []byte) (challenge, bool) {
	r := parseMessage(body, challengeBytes)
	var c challenge
	c.from, c.to = r.ends()
	c.nonce, c.answers = r.nonce("nonce"), r.nonce("answers")
	c.federation, c.alg = r.matching("federation", nodeName), r.matching("alg", algorithm)
	c.version = r.integer("version", 1, 65_535)
	c.must = r.must()
	c.delegation = r.link("delegation")
	r.hex("boot", 16)
	r.time("time")
	return c, r.ok
}

// link reads a delegation whose role is to make handshakes.
func (r *reader) link(name string) Delegation {
	d, is := ReadDelegation(r.o[name])
	r.check(is && d.Role == RoleLink)
	return d
}

func readProof(body []byte) (proof, bool) {
	r := parseMessage(body, proofBytes)
	var p proof
	p.from, p.to = r.ends()
	p.role, p.purpose = r.text("role"), r.text("purpose")
	nonces := read(r.o["nonces"])
	p.asks, p.answers = nonces.nonce("initiator"), nonces.nonce("responder")
	p.must = r.must()
	r.check(nonces.ok && (p.role == roleAsks || p.role == roleAnswers))
	r.check(p.purpose == PurposeLink || p.purpose == PurposePair)
	r.check(r.has("delegation") == (p.role == roleAsks))
	r.check(r.has("facts") == (p.purpose == PurposeLink))
	if r.ok && p.role == roleAsks {
		p.delegation = r.link("delegation")
	}
	if r.ok && p.purpose == PurposeLink {
		p.readFacts(r)
	}
	return p, r.ok
}

func (p *proof) readFacts(r *reader) {
	f := read(r.o["facts"])
	p.facts = f.o
	if f.has("checkpoint") {
		f.check(len(f.text("checkpoint")) <= checkpointMost)
	}
	if f.has("manifest") {
		f.hex("manifest", 32)
	}
	f.integer("revocation_seq", 0, largestInteger)
	treaty, is := ReadGrant(f.o["treaty"])
	p.treaty = treaty
	r.check(f.ok && is)
}

// written gives the bytes of a message.
func (n *Node) written(kind string, o oap.Object) []byte {
	if n.Alter != nil {
		n.Alter(kind, o)
	}
	return Canonical(o)
}

func (n *Node) hello(to, nonce string, now time.Time) oap.Object {
	return oap.Object{
		"algs": []any{algorithmName}, "boot": n.Boot, "federation": n.Federation, "from": n.PeerID, "nonce": nonce,
		"time": now.Unix(), "to": to, "versions": []any{version},
	}
}

func (n *Node) challenge(to, nonce, answers string, now time.Time) oap.Object {
	return oap.Object{
		"alg": algorithmName, "answers": answers, "boot": n.Boot, "delegation": n.Delegation.Value,
		"federation": n.Federation, "from": n.PeerID, "nonce": nonce, "time": now.Unix(), "to": to, "version": version,
	}
}

func (n *Node) proof(to, role, purpose, asks, answers, hub string) oap.Object {
	p := oap.Object{
		"from": n.PeerID, "nonces": oap.Object{"initiator": asks, "responder": answers}, "purpose": purpose,
		"role": role, "to": to,
	}
	if role == roleAsks {
		p["delegation"] = n.Delegation.Value
	}
	if purpose == PurposeLink {
		p["facts"] = n.Facts(hub)
	}
	return p
}
