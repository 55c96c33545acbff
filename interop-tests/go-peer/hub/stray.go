package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"go-peer/federation"
	"go-peer/oap"
)

// way is how a node strays from the text while it makes a handshake; the zero way is that of a good node.
type way struct {
	// as changes the node that it makes itself out to be.
	as func(h *Hub, n *federation.Node)
	// alter changes a message before it is signed.
	alter func(kind string, o oap.Object)
	// send changes a message after it was signed.
	send func(m federation.Message) federation.Message
	// play takes the place of the whole course.
	play func(ctx context.Context, h *Hub, t target) (verdict, error)
}

// target is a hub at an address that ends in a peer id.
type target struct{ address, hub string }

const stallTime = 5100 * time.Millisecond

func (w way) sent(m federation.Message) federation.Message {
	if w.send == nil {
		return m
	}
	return w.send(m)
}

// self is this node in a way.
func (h *Hub) self(w way) *federation.Node {
	n := *h.node
	if w.as != nil {
		w.as(h, &n)
	}
	n.Alter = w.alter
	return &n
}

func strangerKeys() Keys {
	keys, err := NewKeys()
	if err != nil {
		panic(err)
	}
	return keys
}

func strangerPeer() string { return federation.PeerID(public(strangerKeys().Node)) }

func delegated(from, to time.Duration) func(*Hub, *federation.Node) {
	return func(h *Hub, n *federation.Node) {
		now := time.Now()
		n.Delegation = federation.Delegate(h.keys.Hub, nodeName, n.PeerID, 2, now.Add(from).Unix(), now.Add(to).Unix())
	}
}

// in changes the messages of one kind alone.
func in(kind string, change func(o oap.Object)) func(string, oap.Object) {
	return func(k string, o oap.Object) {
		if k == kind {
			change(o)
		}
	}
}

func member(kind, name string, value any) way {
	return way{alter: in(kind, func(o oap.Object) { o[name] = value })}
}

func sends(kind string, change func(m *federation.Message)) way {
	return way{send: func(m federation.Message) federation.Message {
		if m.Kind == kind {
			change(&m)
		}
		return m
	}}
}

// granting changes what the facts say of this hub's treaty.
func granting(change func(treaty oap.Object)) way {
	return way{alter: in("proof", func(o oap.Object) {
		treaty := federation.NewGrant(0, []string{echoVerb}).Value
		change(treaty)
		o["facts"] = oap.Object{"revocation_seq": 0, "treaty": treaty}
	})}
}

// The ways of an initiator, by what a test calls them.
var ways = map[string]way{
	"":                          {},
	"hello with a space":        sends("hello", func(m *federation.Message) { m.Body = append(m.Body, ' ') }),
	"hello that is too long":    member("hello", "padding", strings.Repeat("x", 4096)),
	"hello from the other":      {alter: in("hello", func(o oap.Object) { o["from"] = o["to"] })},
	"hello to a third":          {alter: in("hello", func(o oap.Object) { o["to"] = strangerPeer() })},
	"hello from a third":        {alter: in("hello", func(o oap.Object) { o["from"] = strangerPeer() })},
	"hello in versions to come": member("hello", "versions", []any{2, 3}),
	"hello with other algs":     member("hello", "algs", []any{"rot13"}),
	"hello with an extension":   member("hello", "must", []any{"more"}),
	"other federation":          member("hello", "federation", "elsewhere"),
	"hello again":               {play: helloAgain},
	"nonce again":               {play: nonceAgain},
	"nonce of the other":        {play: nonceOfTheOther},
	"proof first":               {play: proofFirst},
	"proof of before":           {play: proofOfBefore},
	"proof again":               {play: proofAgain},
	"proof too late":            {play: proofTooLate},
	"proof without signature":   {play: proofUnsigned},
	"pair without an invite":    {play: pairUninvited},
	"as responder": {alter: in("proof", func(o oap.Object) {
		o["role"] = "responder"
		delete(o, "delegation")
	})},
	"proof to a third":        {alter: in("proof", func(o oap.Object) { o["to"] = strangerPeer() })},
	"proof with an extension": member("proof", "must", []any{"more"}),
	"proof with other nonces": {alter: in("proof", func(o oap.Object) {
		zeros := strings.Repeat("0", 64)
		o["nonces"] = oap.Object{"initiator": zeros, "responder": zeros}
	})},
	"proof with a space": sends("proof", func(m *federation.Message) { m.Body = append(m.Body, ' ') }),
	"other signature":    sends("proof", func(m *federation.Message) { m.Signature = bytes.Repeat([]byte{1}, 64) }),
	"other facts": sends("proof", func(m *federation.Message) {
		m.Body = bytes.Replace(m.Body, []byte(`"revocation_seq":0`), []byte(`"revocation_seq":1`), 1)
	}),
	"other hub": {as: func(_ *Hub, n *federation.Node) {
		now := time.Now().Unix()
		n.Delegation = federation.Delegate(strangerKeys().Hub, nodeName, n.PeerID, 1, now, now+60)
	}},
	"delegation of another node": {as: func(h *Hub, n *federation.Node) {
		now := time.Now().Unix()
		n.Delegation = federation.Delegate(h.keys.Hub, nodeName, strangerPeer(), 2, now, now+60)
	}},
	"delegation by another hub": {alter: func(kind string, o oap.Object) {
		if d, has := o["delegation"].(oap.Object); has {
			statement := d["statement"].(oap.Object)
			now := time.Now().Unix()
			by := federation.Delegate(strangerKeys().Hub, nodeName, statement["peer_id"].(string), 1, now, now+60)
			o["delegation"] = oap.Object{"statement": statement, "signature": by.Value["signature"]}
		}
	}},
	"delegation that ended":  {as: delegated(-time.Hour, -2*time.Minute)},
	"delegation that begins": {as: delegated(2*time.Minute, time.Hour)},
	"treaty that ends now":   granting(func(treaty oap.Object) { treaty["expires"] = time.Now().Unix() }),
	"treaty out of order":    granting(func(treaty oap.Object) { treaty["verbs"] = []any{"mailbox:send", echoVerb} }),
	"treaty with a share twice": granting(func(treaty oap.Object) {
		row := oap.Object{
			"dir": "both", "relay": false, "share": oap.Object{"id": strings.Repeat("a", 32), "name": "twice"}, "topics": []any{"a"},
		}
		treaty["rows"] = []any{row, row}
	}),
	"treaty with more":         granting(func(treaty oap.Object) { treaty["more"] = "later" }),
	"proof of many values":     member("proof", "more", make([]any, 4096)),
	"proof on another session": {play: proofElsewhere},
	"pair without a mac":       {play: pairWithoutMac},
	"facts without a treaty":   {alter: in("proof", func(o oap.Object) { o["facts"] = oap.Object{"revocation_seq": 0} })},
}

// attempt is a handshake on a new connection.
func (h *Hub) attempt(ctx context.Context, t target, key []byte, name string) (verdict, error) {
	w, known := ways[name]
	if !known {
		return verdict{}, fmt.Errorf("no way %q", name)
	}
	if w.play != nil {
		return w.play(ctx, h, t)
	}
	s, err := h.dial(ctx, t.address)
	if err != nil {
		return verdict{}, err
	}
	return h.handshake(s, h.self(w), t.hub, h.node.Nonces.Draw(time.Now()), key, w)
}

// greeted is a handshake up to the proof, which is not sent.
func (h *Hub) greeted(ctx context.Context, t target, nonce string, key []byte) (*session, *federation.Initiator, federation.Message, verdict, error) {
	s, err := h.dial(ctx, t.address)
	if err != nil {
		return nil, nil, federation.Message{}, verdict{}, err
	}
	i := federation.NewInitiator(h.self(way{}), s.stream.Conn().RemotePeer().String(), t.hub, nonce, key)
	body, v, err := s.call(federationApp, helloPayload(i.Start(time.Now())), nil)
	if err != nil || v.Status != 0 {
		return s, i, federation.Message{}, v, err
	}
	ask, refusal := i.Take(federation.Message{Kind: "challenge", Body: body}, time.Now())
	if refusal != nil {
		return s, i, ask, verdict{}, refusal
	}
	return s, i, ask, verdict{}, nil
}

func (h *Hub) nonce() string { return h.node.Nonces.Draw(time.Now()) }

func helloAgain(ctx context.Context, h *Hub, t target) (verdict, error) {
	s, _, _, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	another := federation.NewInitiator(h.node, s.stream.Conn().RemotePeer().String(), t.hub, h.nonce(), nil)
	_, v, err = s.call(federationApp, helloPayload(another.Start(time.Now())), nil)
	return v, err
}

func nonceAgain(ctx context.Context, h *Hub, t target) (verdict, error) {
	nonce := h.nonce()
	if _, _, _, v, err := h.greeted(ctx, t, nonce, nil); err != nil || v.Status != 0 {
		return v, err
	}
	_, _, _, v, err := h.greeted(ctx, t, nonce, nil)
	return v, err
}

func nonceOfTheOther(ctx context.Context, h *Hub, t target) (verdict, error) {
	_, _, ask, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	o, _ := federation.ParseCanonical(ask.Body)
	theirs := o["nonces"].(oap.Object)["responder"].(string)
	_, _, _, v, err = h.greeted(ctx, t, theirs, nil)
	return v, err
}

func proofFirst(ctx context.Context, h *Hub, t target) (verdict, error) {
	_, i, ask, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	s, err := h.dial(ctx, t.address)
	if err != nil {
		return v, err
	}
	return h.prove(s, i, ask)
}

func proofOfBefore(ctx context.Context, h *Hub, t target) (verdict, error) {
	_, _, old, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	s, i, _, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	return h.prove(s, i, old)
}

// proofAgain gives what a proof behind a proof is told; the link is to stay.
func proofAgain(ctx context.Context, h *Hub, t target) (verdict, error) {
	s, i, ask, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	if v, err = h.prove(s, i, ask); err != nil || !v.Linked {
		return v, err
	}
	return h.prove(s, i, ask)
}

func proofTooLate(ctx context.Context, h *Hub, t target) (verdict, error) {
	s, i, ask, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	time.Sleep(stallTime)
	return h.prove(s, i, ask)
}

func proofUnsigned(ctx context.Context, h *Hub, t target) (verdict, error) {
	s, _, ask, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	_, v, err = s.call(federationApp, oap.Record(`{"op":"prove"}`, ask.Body), nil)
	return v, err
}

func proofElsewhere(ctx context.Context, h *Hub, t target) (verdict, error) {
	s, i, ask, v, err := h.greeted(ctx, t, h.nonce(), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	other, err := h.open(ctx, s.stream.Conn().RemotePeer())
	if err != nil {
		return v, err
	}
	return h.prove(other, i, ask)
}

func pairWithoutMac(ctx context.Context, h *Hub, t target) (verdict, error) {
	s, i, ask, v, err := h.greeted(ctx, t, h.nonce(), make([]byte, 32))
	if err != nil || v.Status != 0 {
		return v, err
	}
	ask.Mac = nil
	return h.prove(s, i, ask)
}

func pairUninvited(ctx context.Context, h *Hub, t target) (verdict, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	s, i, ask, v, err := h.greeted(ctx, t, h.nonce(), key)
	if err != nil || v.Status != 0 {
		return v, err
	}
	return h.prove(s, i, ask)
}

// The ways of a responder that differ from those of an initiator.
var answers = map[string]way{
	"challenge to another hello": member("challenge", "answers", strings.Repeat("0", 64)),
	"challenge to a third":       {alter: in("challenge", func(o oap.Object) { o["to"] = strangerPeer() })},
	"challenge in version 2":     member("challenge", "version", 2),
	"challenge elsewhere":        member("challenge", "federation", "elsewhere"),
	"challenge too late":         {alter: in("challenge", func(oap.Object) { time.Sleep(stallTime) })},
}

// Stray lets the hub answer in a way that is not that of the text, wherever it is dialled from now on.
func (h *Hub) Stray(name string) error {
	w, known := answers[name]
	if !known {
		w, known = ways[name]
	}
	if !known || w.play != nil || w.send != nil {
		return fmt.Errorf("no way %q to answer", name)
	}
	h.node = h.self(w)
	return nil
}
