package hub

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go-peer/federation"
	"go-peer/oap"
)

const (
	commandTime = 30 * time.Second
	inviteLife  = 5 * time.Minute
	lineBytes   = 1 << 20
)

// command is what a test has the hub do.
type command struct {
	Do                        string
	Hub, Address, Way         string
	Successor                 string
	Invite                    string
	Op, Text                  string
	Peer, Share, Topic, Token string
	CapID                     string `json:"cap_id"`
	Verbs                     []string
	Expires                   int64
	// CID and what follows is of a blob: Bytes of a sample, and the leaf from which on it strays.
	CID         string
	CIDs        []string
	Bytes, Leaf int
}

// grant is what a command allows another hub.
func (c command) grant() federation.Grant {
	if c.Share == "" {
		return federation.NewGrant(c.Expires, c.Verbs)
	}
	return federation.NewGrant(c.Expires, c.Verbs, federation.Shared{ID: c.Share, Name: "shared", Topic: c.Topic})
}

var doings = map[string]func(context.Context, *Hub, command) (any, error){
	"allow": func(_ context.Context, h *Hub, c command) (any, error) {
		h.allow(c.Hub, c.grant())
		return struct{}{}, nil
	},
	"remove": removes,
	"link": func(ctx context.Context, h *Hub, c command) (any, error) {
		return h.attempt(ctx, target{c.Address, c.Hub}, nil, c.Way)
	},
	"pair":   pairs,
	"invite": invites,
	"waiting": func(_ context.Context, h *Hub, _ command) (any, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		return map[string]any{"waiting": h.waiting}, nil
	},
	"call": func(_ context.Context, h *Hub, c command) (any, error) { return h.echo(c.Hub, c.Op, c.Text) },
	"ask": func(_ context.Context, h *Hub, c command) (any, error) {
		body, v, err := h.over(c.Hub, federationApp, []byte(c.Text))
		v.Body = string(body)
		return v, err
	},
	"news": func(_ context.Context, h *Hub, c command) (any, error) {
		_, v, err := h.over(c.Hub, federationApp, oap.Record(`{"op":"new_keys"}`, nil))
		return v, err
	},
	"revoked":   knowsRevoked,
	"learn":     learns,
	"succeed":   succeeds,
	"keep":      keeps,
	"asked":     wasAsked,
	"fetch":     fetches,
	"has":       asksHas,
	"provide":   provides,
	"providers": findsProviders,
	"record":    tellsRecord,
	"exchange":  exchanges,
	"tell":      tells,
	"obtain":    obtains,
	"send":      leaves,
	"knows": func(_ context.Context, h *Hub, c command) (any, error) {
		l := h.linkWith(c.Hub)
		if l == nil {
			return verdict{Connections: h.connections()}, nil
		}
		return verdict{Linked: true, Connections: h.connections(), Hub: l.hub, Verbs: l.there.Verbs, Transcript: fmt.Sprintf("%x", l.transcript)}, nil
	},
}

// Obey does what comes on `in`, one command a line, and answers each with one line on `out`, until `in` ends.
func (h *Hub) Obey(in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
	lines.Buffer(nil, lineBytes)
	for lines.Scan() {
		answer, err := h.obey(lines.Bytes())
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (h *Hub) obey(line []byte) (any, error) {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, err
	}
	do, known := doings[c.Do]
	if !known {
		return nil, fmt.Errorf("cannot do %q", c.Do)
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	return do(ctx, h, c)
}

// removes says goodbye to a hub and takes it off the allowlist.
func removes(_ context.Context, h *Hub, c command) (any, error) {
	_, v, err := h.over(c.Hub, federationApp, []byte(`{"op":"leave","reason":"removed"}`))
	if conn := h.remove(c.Hub); conn != nil {
		err = errors.Join(err, conn.Close())
	}
	return v, err
}

// pairs uses an invite of another hub: what comes of it waits for the operators.
func pairs(ctx context.Context, h *Hub, c command) (any, error) {
	i, refusal := federation.ReadInvite(c.Invite, time.Now().Unix())
	if refusal != "" {
		return nil, errors.New(refusal)
	}
	key := i.MacKey()
	if c.Way == "other secret" {
		key[0] ^= 1
		c.Way = ""
	}
	for _, address := range i.Addresses {
		if strings.Contains(address, "/p2p/") {
			return h.attempt(ctx, target{address, i.Hub}, key, c.Way)
		}
	}
	return nil, errors.New("no address with a peer id")
}

// invites opens an invite and gives its line.
func invites(_ context.Context, h *Hub, _ command) (any, error) {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	i := federation.Invite{Hub: h.ID(), Secret: secret, Expires: time.Now().Add(inviteLife).Unix(), Addresses: []string{h.Address()}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.invite = &i
	return map[string]string{"invite": i.Text()}, nil
}

// Address is where the hub can be dialled.
func (h *Hub) Address() string { return fmt.Sprintf("%s/p2p/%s", h.host.Addrs()[0], h.host.ID()) }

// connections are all that the node has.
func (h *Hub) connections() int { return len(h.host.Network().Conns()) }
