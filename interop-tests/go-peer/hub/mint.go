package hub

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"gopkg.in/macaroon.v2"

	"go-peer/federation"
	"go-peer/oap"
)

const (
	exchangeVerb = "cap:exchange"
	sendVerb     = "mailbox:send"
	rootKid      = 1
)

// tenant is the only one of this hub, in the order of the wire.
var tenant = [16]byte{0: 1, 15: 1}

// sharedWays are the verbs that this hub lets others have for their agents.
var sharedWays = federation.Ways{sendVerb: "in"}

// minted is for which right a token was given out, and under which treaty.
type minted struct {
	right  federation.Right
	treaty string
}

func denied(reason string) error {
	return oap.Refused("cap_denied", 403, reason, "the capability does not allow this call")
}

// capabilities are the operations of app 0x0002 that links have.
func (h *Hub) capabilities(c network.Conn) oap.Service {
	guard := func([]byte, oap.Object) error { return h.underGrant(c, exchangeVerb) }
	return oap.Service{
		"exchange": {BodyInRecord: true, Guard: guard, Run: h.linked(c, h.exchange)},
		"revoked": {BodyInRecord: true, Guard: guard, Run: h.linked(c, func(l *link, _ oap.Caller, body []byte) ([]byte, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			f := h.follows(l.hub)
			if !f.Take(body, time.Now()) {
				return nil, oap.Refused("bad_request", 400, "", "no list of revocations")
			}
			return fmt.Appendf(nil, `{"seq":%d}`, f.Seq()), nil
		})},
	}
}

// follows gives what is known of a hub's list. The caller holds mu.
func (h *Hub) follows(hub string) *federation.Followed {
	f, ok := h.followed[hub]
	if !ok {
		f = federation.Follow(hub)
		h.followed[hub] = f
	}
	return f
}

// exchange mints for an agent of the other hub.
func (h *Hub) exchange(l *link, _ oap.Caller, body []byte) ([]byte, error) {
	v, ok := federation.ReadVouched(body)
	if !ok {
		return nil, oap.Refused("bad_request", 400, "malformed", "no statement of an exchange")
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	reason := v.Proved(l.by, h.ID(), now.Unix())
	f := h.follows(l.hub)
	nonce := l.hub + v.Nonce
	switch {
	case reason != "":
	case h.shown[nonce]:
		reason = "replayed"
	case !f.IsGood(now):
		reason = "head"
	default:
		reason = f.Revoked(v.Right)
	}
	h.shown[nonce] = h.shown[nonce] || reason == ""
	if reason != "" {
		return nil, denied(reason)
	}
	caveats, reason := v.Caveats(l.here, sharedWays, now.Unix())
	if reason != "" {
		return nil, denied(reason)
	}
	return h.mint(v.Right, l.here, caveats, now)
}

// mint makes the token and the record that carries it. The caller holds mu.
func (h *Hub) mint(right federation.Right, under federation.Grant, caveats []string, now time.Time) ([]byte, error) {
	id := make([]byte, 17, 46)
	id[0] = 1
	if _, err := rand.Read(id[1:]); err != nil {
		return nil, err
	}
	capID := hex.EncodeToString(id[1:])
	id = append(binary.LittleEndian.AppendUint32(id, rootKid), tenant[:]...)
	id = append(binary.LittleEndian.AppendUint64(id, uint64(now.Unix())), 0)
	m, err := macaroon.New(h.rootKey, id, h.ID(), macaroon.V2)
	if err != nil {
		return nil, err
	}
	for _, caveat := range caveats {
		if err := m.AddFirstPartyCaveat([]byte(caveat)); err != nil {
			return nil, err
		}
	}
	token, err := m.MarshalBinary()
	if err != nil {
		return nil, err
	}
	var expires int64
	if _, err := fmt.Sscanf(caveats[len(caveats)-1], "expires < %d", &expires); err != nil {
		return nil, err
	}
	h.minted[capID] = minted{right, string(federation.Canonical(under.Value))}
	header := oap.Object{"cap_id": capID, "kid": rootKid, "expires": expires, "addresses": []any{h.Address()}}
	return oap.Record(string(federation.Canonical(header)), token), nil
}

// mailbox takes messages and keeps none: it shows who may leave one.
func (h *Hub) mailbox(c network.Conn) oap.Service {
	send := func(_ context.Context, call oap.Caller) error {
		return call.Answer([]byte(`{"msg_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","duplicate":false}`), true)
	}
	topic := func(header oap.Object) error {
		if text, _ := header["topic"].(string); !federation.IsTopic(text) {
			return oap.Refused("bad_topic", 400, "", "no topic")
		}
		return nil
	}
	guard := func(token []byte, header oap.Object) error {
		if len(token) == 0 {
			return oap.Refused("cap_missing", 401, "", "this operation needs a capability")
		}
		return h.judge(c, token, sendVerb, header)
	}
	return oap.Service{"send": {BodyInRecord: true, Check: topic, Guard: guard, Run: send}}
}

// judge judges a token that this hub minted in exchange; it mints no others.
func (h *Hub) judge(c network.Conn, token []byte, verb string, header oap.Object) error {
	var m macaroon.Macaroon
	if err := m.UnmarshalBinary(token); err != nil {
		return oap.Refused("cap_foreign", 401, "malformed", "the capability is none")
	}
	switch same, err := m.MarshalBinary(); {
	case err != nil || !slices.Equal(same, token) || len(m.Id()) != 46 || m.Id()[0] != 1:
		return oap.Refused("cap_foreign", 401, "malformed", "the capability is none")
	case m.Location() != h.ID():
		return oap.Refused("cap_foreign", 401, "location", "the capability was minted by another hub")
	}
	caveats, err := m.VerifySignature(h.rootKey, nil)
	if err != nil {
		return oap.Refused("cap_foreign", 401, "signature", "the capability was minted by another hub")
	}
	now := time.Now()
	if err := h.stands(hex.EncodeToString(m.Id()[1:17]), caveats, now); err != nil {
		return err
	}
	topic, _ := header["topic"].(string)
	return federation.Holds(caveats, federation.Call{
		Verb: verb, Topic: topic, Peer: c.RemotePeer().String(), Hub: h.ID(), App: mailboxApp, Now: now.Unix(),
	}).Failure()
}

// stands judges whether the right behind a token still is there: federation-links.md, section 12.4.
func (h *Hub) stands(capID string, caveats []string, now time.Time) error {
	revoked := func(reason string) error {
		return oap.Refused("cap_revoked", 401, reason, "the capability was revoked")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m, known := h.minted[capID]
	origin := "origin = " + m.right.Hub + "/" + m.right.CapID
	if !known || !federation.NamesOnly(caveats, origin) {
		return revoked("origin")
	}
	grant, allowed := h.allowed[m.right.Hub]
	if !allowed || string(federation.Canonical(grant.Value)) != m.treaty || grant.Expired(now.Unix()) {
		return revoked("treaty")
	}
	f := h.follows(m.right.Hub)
	if reason := f.Revoked(m.right); reason != "" {
		return revoked(reason)
	}
	if !f.IsGood(now) {
		return revoked("head")
	}
	return nil
}
