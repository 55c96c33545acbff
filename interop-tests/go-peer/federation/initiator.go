package federation

import (
	"crypto/ed25519"
	"crypto/hmac"
	"time"
)

// Initiator is the side that asks, in one handshake on one connection.
type Initiator struct {
	steps
	node       *Node
	channel    string
	hub        string
	key        []byte
	nonce      string
	theirs     challenge
	transcript fields
	Result     *Linked
}

// NewInitiator dialled for `hub`; `key` is the SHA-256 of an invite's secret to pair, nil to link.
func NewInitiator(node *Node, channel, hub, nonce string, key []byte) *Initiator {
	return &Initiator{node: node, channel: channel, hub: hub, key: key, nonce: nonce, transcript: transcriptOf(node.PeerID, channel)}
}

// Purpose is what the handshake is for.
func (i *Initiator) Purpose() string {
	if i.key != nil {
		return PurposePair
	}
	return PurposeLink
}

// Start gives the hello.
func (i *Initiator) Start(now time.Time) Message {
	body := i.node.written("hello", i.node.hello(i.channel, i.nonce, now))
	i.transcript.add(body)
	i.at, i.began, i.last = asked, now, now
	return Message{Kind: "hello", Body: body}
}

// Take judges the next answer; it gives the proof behind the challenge, and nothing behind the other proof.
func (i *Initiator) Take(m Message, now time.Time) (Message, *Refusal) {
	answer, refusal := i.judge(m, now)
	if refusal != nil {
		i.at = over
	}
	return answer, refusal
}

func (i *Initiator) judge(m Message, now time.Time) (Message, *Refusal) {
	waitsForThis := m.Kind == "challenge" && i.at == asked || m.Kind == "proof" && i.at == proved
	switch {
	case i.channel == i.node.PeerID:
		return Message{}, refuse("same_key")
	case !waitsForThis:
		return Message{}, refuse("out_of_order")
	case i.late(now):
		return Message{}, refuse("stalled")
	case m.Kind == "challenge":
		return i.challenge(m, now)
	}
	return Message{}, i.proof(m, now)
}

func (i *Initiator) challenge(m Message, now time.Time) (Message, *Refusal) {
	n := i.node
	c, ok := readChallenge(m.Body)
	if !ok {
		return Message{}, refuse("malformed")
	}
	refusal := first(
		func() *Refusal {
			return n.ends(c.from, c.to, i.channel, c.nonce == i.nonce || n.Nonces.IsOwn(c.nonce, now))
		},
		func() *Refusal {
			if c.answers != i.nonce {
				return refuse("replayed")
			}
			return n.fresh(c.nonce, now)
		},
		func() *Refusal { return offers([]int64{c.version}, []string{c.alg}) },
		func() *Refusal { return knows(c.must) },
		func() *Refusal { return n.sameFederation(c.federation) },
		func() *Refusal { return i.wishes(c.delegation.Hub) },
		func() *Refusal {
			return n.delegated(c.delegation, i.channel, func() bool { return true }, now)
		},
		func() *Refusal {
			if i.key == nil && n.treatyFor(i.hub).Expired(now.Unix()) {
				return refuse("expired_treaty")
			}
			return nil
		},
	)
	if refusal != nil {
		return Message{}, refusal
	}
	i.theirs = c
	i.transcript.add(m.Body)
	return i.ask(now), nil
}

// wishes judges whether the other side is the hub that was dialled for.
func (i *Initiator) wishes(hub string) *Refusal {
	switch {
	case hub != i.hub:
		return refuse("other_hub")
	case i.key == nil && !i.node.mayHave(hub):
		return refuse(NotAllowlisted)
	}
	return nil
}

func (i *Initiator) ask(now time.Time) Message {
	n := i.node
	body := n.written("proof", n.proof(i.channel, roleAsks, i.Purpose(), i.nonce, i.theirs.nonce, i.hub))
	i.transcript.add(body)
	m := Message{Kind: "proof", Purpose: i.Purpose(), Body: body}
	m.Signature = ed25519.Sign(n.Key, i.transcript.signed(initiatorTag))
	if i.key != nil {
		m.Mac = i.transcript.mac(i.key, pairAskTag)
	}
	i.transcript.add(m.Signature)
	i.at, i.last = proved, now
	return m
}

func (i *Initiator) proof(m Message, now time.Time) *Refusal {
	p, ok := readProof(m.Body)
	if !ok || p.purpose != i.Purpose() {
		return refuse("malformed")
	}
	i.transcript.add(m.Body)
	refusal := first(
		func() *Refusal { return i.node.ends(p.from, p.to, i.channel, p.role == roleAsks) },
		func() *Refusal { return sameNonces(p, i.nonce, i.theirs.nonce) },
		func() *Refusal { return knows(p.must) },
		func() *Refusal {
			if i.key != nil && !hmac.Equal(i.transcript.mac(i.key, pairAnswerTag), m.Mac) {
				return refuse("wrong_secret")
			}
			return nil
		},
		func() *Refusal {
			if !i.transcript.fits(i.channel, responderTag, m.Signature) {
				return refuse("wrong_key")
			}
			return nil
		},
		func() *Refusal {
			if p.treaty.Expired(now.Unix()) {
				return refuse("expired_treaty")
			}
			return nil
		},
	)
	if refusal != nil {
		return refusal
	}
	i.at = over
	i.Result = &Linked{i.hub, i.Purpose(), i.theirs.delegation, i.transcript.digest(), p.treaty}
	return nil
}
