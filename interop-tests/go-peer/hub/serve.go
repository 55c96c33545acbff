package hub

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"go-peer/federation"
	"go-peer/oap"
	"go-peer/storage"
)

const (
	federationApp = 0x0501
	refusalHold   = 100 * time.Millisecond
	leaveReason   = 64
	treatyBytes   = 32768
)

// Serve answers one stream of another node.
func (h *Hub) Serve(s network.Stream) {
	c := s.Conn()
	h.mu.Lock()
	limits, ok := h.limits[c.ID()]
	if !ok {
		limits = oap.NewLink()
		h.limits[c.ID()] = limits
	}
	h.mu.Unlock()
	oap.Serve(s, limits, map[uint16]oap.Service{
		oap.EchoApp: h.guarded(c, oap.Echo, echoVerb), federationApp: h.federation(c), capabilitiesApp: h.capabilities(c),
		mailboxApp: h.mailbox(c), storage.App: storage.Service(h.shelf),
	})
}

// guarded is a service whose calls need the grant of their connection, or a token.
func (h *Hub) guarded(c network.Conn, service oap.Service, verb string) oap.Service {
	guard := func(token []byte, header oap.Object) error {
		if len(token) > 0 {
			return h.judge(c, token, verb, header)
		}
		return h.underGrant(c, verb)
	}
	all := oap.Service{}
	for name, op := range service {
		op.Guard = guard
		all[name] = op
	}
	return all
}

// underGrant judges a call without a token, of an operation that is about no topic.
func (h *Hub) underGrant(c network.Conn, verb string) error {
	l := h.linkOn(c)
	switch {
	case l == nil:
		return oap.Refused("cap_missing", 401, "", "this operation needs a capability")
	case l.here.Expired(time.Now().Unix()):
		return oap.Refused("cap_expired", 401, "expires", "the capability has expired")
	case !l.here.Allows(verb):
		return denied("verb")
	}
	return nil
}

func (h *Hub) federation(c network.Conn) oap.Service {
	return oap.Service{
		"hello": {BodyInRecord: true, Run: h.answers(c, "hello", "")},
		"prove": {BodyInRecord: true, Check: signs("signature", 64), Run: h.answers(c, "proof", federation.PurposeLink)},
		"pair":  {BodyInRecord: true, Check: signs("signature", 64), Run: h.answers(c, "proof", federation.PurposePair)},
		"probe": {Run: h.linked(c, func(*link, oap.Caller, []byte) ([]byte, error) {
			return fmt.Appendf(nil, `{"time":%d,"revocation_seq":0}`, time.Now().Unix()), nil
		})},
		"treaty":   {BodyInRecord: true, Run: h.linked(c, h.takeTreaty)},
		"keys":     {Run: h.linked(c, h.tellKeys)},
		"new_keys": {BodyInRecord: true, Run: h.paced(c, h.takeKeys)},
		"leave": {Run: h.linked(c, func(l *link, call oap.Caller, _ []byte) ([]byte, error) {
			reason, ok := call.Header()["reason"].(string)
			if !ok || len(reason) > leaveReason {
				return nil, oap.Refused("bad_request", 400, "", "no reason of at most 64 bytes")
			}
			h.mu.Lock()
			l.left = reason
			delete(h.links, c.ID())
			h.mu.Unlock()
			return []byte("{}"), nil
		})},
	}
}

func signs(name string, bytes int) func(oap.Object) error {
	return func(header oap.Object) error {
		if text, _ := header[name].(string); len(unhex(text)) != bytes {
			return oap.Refused("bad_request", 400, "", name+" is missing or of another length")
		}
		return nil
	}
}

// unhex gives nothing for what is not lower-case hex.
func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(b) != text {
		return nil
	}
	return b
}

// answers lets the handshake of the connection take a message.
func (h *Hub) answers(c network.Conn, kind, purpose string) func(context.Context, oap.Caller) error {
	return func(ctx context.Context, call oap.Caller) error {
		came := time.Now()
		body, err := call.Next(ctx)
		if err != nil {
			return err
		}
		signature, _ := call.Header()["signature"].(string)
		mac, _ := call.Header()["mac"].(string)
		m := federation.Message{Kind: kind, Purpose: purpose, Body: body, Signature: unhex(signature), Mac: unhex(mac)}
		answer, refusal := h.take(c, m, came)
		switch {
		case refusal != nil:
			return told(refusal, came)
		case kind == "hello":
			return call.Answer(answer.Body, true)
		}
		return call.Answer(record(answer, ""), true)
	}
}

// take hands a message to the handshake of the connection, one at a time.
func (h *Hub) take(c network.Conn, m federation.Message, now time.Time) (federation.Message, *federation.Refusal) {
	h.judging.Lock()
	defer h.judging.Unlock()
	h.mu.Lock()
	handshake, ok := h.handshakes[c.ID()]
	if !ok {
		handshake = federation.NewResponder(h.node, c.RemotePeer().String(), h.node.Nonces.Draw(now))
		h.handshakes[c.ID()] = handshake
	}
	h.mu.Unlock()
	answer, refusal := handshake.Take(m, now)
	if refusal == nil && m.Kind == "proof" {
		if m.Purpose == federation.PurposePair {
			h.mu.Lock()
			h.invite = nil
			h.mu.Unlock()
		}
		h.settle(c, handshake.Result)
	}
	return answer, refusal
}

func told(refusal *federation.Refusal, came time.Time) error {
	code, status := refusal.Told()
	if code == federation.NotAllowlisted {
		time.Sleep(time.Until(came.Add(refusalHold)))
	}
	return oap.Refused(code, status, "", "the handshake is refused")
}

// record is a proof as it travels; op is empty in an answer.
func record(m federation.Message, op string) []byte {
	header := oap.Object{"signature": hex.EncodeToString(m.Signature)}
	if m.Mac != nil {
		header["mac"] = hex.EncodeToString(m.Mac)
	}
	if op != "" {
		header["op"] = op
	}
	return oap.Record(string(federation.Canonical(header)), m.Body)
}

// paced is linked for what a hub may only tell so often; beyond that nothing of it is read.
func (h *Hub) paced(c network.Conn, run onLink) func(context.Context, oap.Caller) error {
	served := h.linked(c, run)
	return func(ctx context.Context, call oap.Caller) error {
		if l := h.linkOn(c); l != nil {
			if err := h.mayTell(l.hub, time.Now()); err != nil {
				return err
			}
		}
		return served(ctx, call)
	}
}

type onLink func(l *link, call oap.Caller, body []byte) ([]byte, error)

// linked runs an operation that only links have.
func (h *Hub) linked(c network.Conn, run onLink) func(context.Context, oap.Caller) error {
	return func(ctx context.Context, call oap.Caller) error {
		came := time.Now()
		l := h.linkOn(c)
		if l == nil {
			return told(&federation.Refusal{Code: federation.NotAllowlisted}, came)
		}
		body, err := call.Next(ctx)
		if err != nil {
			return err
		}
		answer, err := run(l, call, body)
		if err != nil {
			return err
		}
		return call.Answer(answer, true)
	}
}

// takeTreaty keeps what the other operator grants now, to be shown.
func (h *Hub) takeTreaty(l *link, _ oap.Caller, body []byte) ([]byte, error) {
	o, ok := federation.ParseBounded(body, treatyBytes)
	grant, is := federation.ReadGrant(o)
	if !ok || !is {
		return nil, oap.Refused("bad_request", 400, "", "no treaty")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	l.there = grant
	return []byte("{}"), nil
}
