package federation

import (
	"crypto/ed25519"
	"crypto/hmac"
	"time"
)

// Responder is the side that is asked, in one handshake on one connection.
type Responder struct {
	steps
	node           *Node
	channel        string
	nonce          string
	theirNonce     string
	transcript     fields
	Result         *Linked
	ClaimedHub     string
	helloWasJudged bool
}

// NewResponder is for a connection whose other end is the peer id `channel`; `nonce` is its own, drawn for it.
func NewResponder(node *Node, channel, nonce string) *Responder {
	return &Responder{node: node, channel: channel, nonce: nonce, transcript: transcriptOf(channel, node.PeerID)}
}

// Take judges the next message and gives the answer. A refusal ends the handshake; a link that it gave stays.
func (r *Responder) Take(m Message, now time.Time) (Message, *Refusal) {
	answer, refusal := r.judge(m, now)
	if refusal != nil {
		r.at = over
	}
	return answer, refusal
}

func (r *Responder) judge(m Message, now time.Time) (Message, *Refusal) {
	switch {
	case r.channel == r.node.PeerID:
		return Message{}, refuse("same_key")
	case m.Kind == "hello" && r.helloWasJudged:
		return Message{}, refuse("second_handshake")
	case m.Kind == "hello" && r.at == starting:
		r.helloWasJudged = true
		return r.hello(m, now)
	case m.Kind == "proof" && r.at == asked:
		if r.late(now) {
			return Message{}, refuse("stalled")
		}
		return r.proof(m, now)
	}
	return Message{}, refuse("out_of_order")
}

func (r *Responder) hello(m Message, now time.Time) (Message, *Refusal) {
	n := r.node
	h, ok := readHello(m.Body)
	if !ok {
		return Message{}, refuse("malformed")
	}
	refusal := first(
		func() *Refusal {
			return n.ends(h.from, h.to, r.channel, h.nonce == r.nonce || n.Nonces.IsOwn(h.nonce, now))
		},
		func() *Refusal { return n.fresh(h.nonce, now) },
		func() *Refusal { return offers(h.versions, h.algs) },
		func() *Refusal { return knows(h.must) },
		func() *Refusal { return n.sameFederation(h.federation) },
	)
	if refusal != nil {
		return Message{}, refusal
	}
	r.theirNonce, r.at, r.began, r.last = h.nonce, asked, now, now
	body := n.written("challenge", n.challenge(r.channel, r.nonce, h.nonce, now))
	r.transcript.add(m.Body)
	r.transcript.add(body)
	return Message{Kind: "challenge", Body: body}, nil
}

// fresh judges and remembers a nonce of the other side.
func (n *Node) fresh(nonce string, now time.Time) *Refusal {
	if n.Nonces.WasShown(nonce, now) {
		return refuse("replayed")
	}
	n.Nonces.Shown(nonce, now)
	return nil
}

func (n *Node) sameFederation(name string) *Refusal {
	if name != n.Federation {
		return refuse("other_federation")
	}
	return nil
}

func (r *Responder) proof(m Message, now time.Time) (Message, *Refusal) {
	n, pairs := r.node, m.Purpose == PurposePair
	var key []byte
	if pairs {
		if key = n.InviteKey(); key == nil {
			return Message{}, refuse("no_invite")
		}
	}
	p, ok := readProof(m.Body)
	if !ok || p.purpose != m.Purpose {
		return Message{}, refuse("malformed")
	}
	r.ClaimedHub = p.delegation.Hub
	r.transcript.add(m.Body)
	refusal := first(
		func() *Refusal { return n.ends(p.from, p.to, r.channel, p.role == roleAnswers) },
		func() *Refusal { return sameNonces(p, r.theirNonce, r.nonce) },
		func() *Refusal { return knows(p.must) },
		func() *Refusal {
			if !pairs && !n.mayHave(p.delegation.Hub) {
				return refuse(NotAllowlisted)
			}
			return nil
		},
		func() *Refusal {
			if pairs && !hmac.Equal(r.transcript.mac(key, pairAskTag), m.Mac) {
				return refuse("wrong_secret")
			}
			return nil
		},
		func() *Refusal {
			fits := func() bool { return r.transcript.fits(r.channel, initiatorTag, m.Signature) }
			return n.delegated(p.delegation, r.channel, fits, now)
		},
		func() *Refusal {
			if !pairs && (p.treaty.Expired(now.Unix()) || n.treatyFor(p.delegation.Hub).Expired(now.Unix())) {
				return refuse("expired_treaty")
			}
			return nil
		},
	)
	if refusal != nil {
		return Message{}, refusal
	}
	return r.answer(m, p, key), nil
}

func sameNonces(p proof, asks, answers string) *Refusal {
	if p.asks != asks || p.answers != answers {
		return refuse("replayed")
	}
	return nil
}

func (r *Responder) answer(m Message, p proof, key []byte) Message {
	n := r.node
	body := n.written("proof", n.proof(r.channel, roleAnswers, m.Purpose, r.theirNonce, r.nonce, p.delegation.Hub))
	r.transcript.add(m.Signature)
	r.transcript.add(body)
	answer := Message{Kind: "proof", Purpose: m.Purpose, Body: body}
	answer.Signature = ed25519.Sign(n.Key, r.transcript.signed(responderTag))
	if m.Purpose == PurposePair {
		answer.Mac = r.transcript.mac(key, pairAnswerTag)
	}
	r.at = over
	r.Result = &Linked{p.delegation.Hub, m.Purpose, p.delegation, r.transcript.digest(), p.treaty}
	return answer
}
