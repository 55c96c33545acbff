package hub

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go-peer/federation"
	"go-peer/oap"
)

const (
	capabilitiesApp = 0x0002
	mailboxApp      = 0x0201
	rightLife       = 10 * time.Minute
)

// The ways in which a statement of this hub strays.
var wishes = map[string]way{
	"":                {},
	"other audience":  {alter: in("exchange", func(o oap.Object) { o["audience"] = o["hub"] })},
	"old":             {alter: in("exchange", func(o oap.Object) { o["at"] = o["at"].(int64) - 100 })},
	"before its key":  member("exchange", "at", 1_700_000_000),
	"other signature": {},
	"ended":           {alter: in("exchange", func(o oap.Object) { o["expires"] = o["at"] })},
	"nonce again":     member("exchange", "nonce", "0123456789abcdef0123456789abcdef"),
	"with more":       member("exchange", "more", true),
	"other key":       {as: func(_ *Hub, n *federation.Node) { n.Key = strangerKeys().Node }},
	"other hub":       {alter: in("exchange", func(o oap.Object) { o["hub"] = o["audience"] })},
	"other share":     member("exchange", "share", "ffffffffffffffffffffffffffffffff"),
	"other topic":     member("exchange", "topics", []any{"elsewhere/**"}),
	"other verb":      member("exchange", "verbs", []any{"mailbox:recv"}),
}

// exchanged is what another hub minted.
type exchanged struct {
	verdict
	Token   string `json:"token,omitempty"`
	CapID   string `json:"cap_id,omitempty"`
	Expires int64  `json:"expires,omitempty"`
}

// exchanges vouches for an agent at the other hub.
func exchanges(_ context.Context, h *Hub, c command) (any, error) {
	w, known := wishes[c.Way]
	if !known {
		return nil, fmt.Errorf("no way %q to exchange", c.Way)
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	now := time.Now()
	line := h.self(w).Exchange(federation.Wish{
		Audience: c.Hub, CapID: c.CapID, Kid: 1, Peer: c.Peer, Share: c.Share, Topics: []string{c.Topic}, Verbs: c.Verbs,
		Expires: now.Add(rightLife).Unix(), Nonce: hex.EncodeToString(nonce),
	}, now.Unix())
	if c.Way == "other signature" {
		line = resigned(line)
	}
	return mintedIn(h.over(c.Hub, capabilitiesApp, oap.Record(`{"op":"exchange"}`, line)))
}

// resigned is a line whose signature fits nothing.
func resigned(line []byte) []byte {
	o, _ := federation.ParseCanonical(line)
	o["signature"] = base64.StdEncoding.EncodeToString(make([]byte, 64))
	return federation.Canonical(o)
}

// tells says to the other hub what this one has revoked, and where its list stands.
func tells(_ context.Context, h *Hub, c command) (any, error) {
	h.mu.Lock()
	if c.CapID != "" {
		h.revoked.Revoke(c.CapID, "lost", time.Now().Unix())
	}
	told := h.revoked.Told(h.told[c.Hub], time.Now().Unix())
	h.mu.Unlock()
	body, v, err := h.over(c.Hub, capabilitiesApp, oap.Record(`{"op":"revoked"}`, told))
	if err != nil || v.Status != 0 {
		return v, err
	}
	var answer struct{ Seq int64 }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told[c.Hub] = answer.Seq
	return map[string]int64{"seq": answer.Seq, "of": h.revoked.Seq()}, nil
}

// leaves puts a message in a mailbox under a token, as an agent whose peer id is that of this node.
func leaves(ctx context.Context, h *Hub, c command) (any, error) {
	token, err := hex.DecodeString(c.Token)
	if err != nil {
		return nil, err
	}
	s, err := h.dial(ctx, c.Address)
	if err != nil {
		return nil, err
	}
	header := federation.Canonical(oap.Object{"op": "send", "topic": c.Topic})
	body, v, err := s.call(mailboxApp, oap.Record(string(header), []byte(c.Text)), token)
	v.Body = string(body)
	return v, err
}

// obtains has another hub vouch at a third for the agent that holds a token of its.
func obtains(ctx context.Context, h *Hub, c command) (any, error) {
	token, err := hex.DecodeString(c.Token)
	if err != nil {
		return nil, err
	}
	s, err := h.dial(ctx, c.Address)
	if err != nil {
		return nil, err
	}
	request := oap.Object{"op": "obtain", "hub": c.Hub, "topic": c.Topic, "verb": strings.Join(c.Verbs, ",")}
	return mintedIn(s.call(capabilitiesApp, federation.Canonical(request), token))
}

// mintedIn reads the answer that carries a token.
func mintedIn(body []byte, v verdict, err error) (any, error) {
	if err != nil || v.Status != 0 {
		return v, err
	}
	answer, err := oap.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	minted := exchanged{verdict: v, Token: hex.EncodeToString(answer.Body)}
	minted.CapID, _ = answer.Header["cap_id"].(string)
	minted.Expires, _ = answer.Header["expires"].(int64)
	return minted, nil
}
