// Package hub is a hub with one node on libp2p: it links with other hubs, pairs with them, and calls them under what
// they grant. A test drives it by commands, one JSON object a line.
package hub

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"go-peer/federation"
	"go-peer/oap"
)

const (
	nodeName       = "go"
	delegationLife = 24 * time.Hour
	delegationAge  = time.Hour
	callTime       = 10 * time.Second
	echoVerb       = "echo:call"
)

// Keys are those of a hub, its node, and what signs its revocations.
type Keys struct{ Hub, Node, Revocation ed25519.PrivateKey }

// NewKeys draws all.
func NewKeys() (Keys, error) {
	var all [3]ed25519.PrivateKey
	for i := range all {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return Keys{}, err
		}
		all[i] = key
	}
	return Keys{all[0], all[1], all[2]}, nil
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// Hub is a hub with its node.
type Hub struct {
	keys Keys
	host host.Host
	node *federation.Node
	// dht is nil where the hub takes no part in it.
	dht         *dht.IpfsDHT
	dhtProtocol protocol.ID
	shelf       *shelf
	// judging lets handshakes take their messages one at a time.
	judging sync.Mutex

	mu sync.Mutex
	// allowed are the hubs on the allowlist, with what each is granted.
	allowed map[string]federation.Grant
	// links are the connections on which a hub has proved itself.
	links map[string]*link
	// handshakes are those of connections that asked here.
	handshakes map[string]*federation.Responder
	invite     *federation.Invite
	waiting    map[string]string
	limits     map[string]*oap.Link
	// revoked is what this hub has revoked; told is up to where others follow it.
	revoked *federation.Revocations
	told    map[string]int64
	// followed are the lists of others, minted the tokens given out to their agents, shown their nonces.
	followed map[string]*federation.Followed
	minted   map[string]minted
	shown    map[string]bool
	// goneKeys are those that other hubs have revoked.
	goneKeys map[string]bool
	// successions are those of chains with a hub of the allowlist; news says how often each hub may tell.
	successions federation.Successions
	news        map[string]*pace
	rootKey     []byte
}

// link is a connection whose other end has proved its hub.
type link struct {
	conn network.Conn
	hub  string
	// here is what this hub grants the other, there what it is granted.
	here, there federation.Grant
	transcript  []byte
	// by is what the other side showed.
	by federation.Delegation
	// left is what the other hub said when it left.
	left string
}

// New is the hub of these keys on a host of its node key. It serves every stream of `protocol` from now on.
func New(h host.Host, keys Keys, name string) *Hub {
	boot, rootKey := make([]byte, 16), make([]byte, 32)
	_, _ = rand.Read(boot)
	_, _ = rand.Read(rootKey)
	now := time.Now()
	peerID := federation.PeerID(public(keys.Node))
	hub := &Hub{
		keys: keys, host: h, shelf: newShelf(), allowed: map[string]federation.Grant{}, links: map[string]*link{},
		handshakes: map[string]*federation.Responder{}, waiting: map[string]string{}, limits: map[string]*oap.Link{},
		revoked: federation.NewRevocations(keys.Hub, keys.Revocation, nodeName, now.Add(-delegationAge).Unix(), now.Add(delegationLife).Unix()),
		told:    map[string]int64{}, followed: map[string]*federation.Followed{}, minted: map[string]minted{},
		shown: map[string]bool{}, goneKeys: map[string]bool{}, rootKey: rootKey,
		successions: federation.Successions{}, news: map[string]*pace{},
	}
	hub.node = &federation.Node{
		PeerID: peerID, Key: keys.Node, Boot: hex.EncodeToString(boot), Federation: name, Nonces: &federation.Nonces{},
		Delegation: federation.Delegate(keys.Hub, nodeName, peerID, 1, now.Add(-delegationAge).Unix(), now.Add(delegationLife).Unix()),
		Allows:     func(id string) bool { _, allowed := hub.granted(id); return allowed },
		Revoked:    func(d federation.Delegation) bool { return hub.isGone(d) },
		Facts: func(id string) oap.Object {
			grant, _ := hub.granted(id)
			return oap.Object{"revocation_seq": 0, "treaty": grant.Value}
		},
		InviteKey: hub.inviteKey,
	}
	h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) { hub.forget(c.ID()) }})
	return hub
}

// ID is the hub id.
func (h *Hub) ID() string { return federation.HubID(public(h.keys.Hub)) }

// granted is what the allowlist says of a hub.
func (h *Hub) granted(id string) (federation.Grant, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	grant, allowed := h.allowed[id]
	if !allowed {
		grant = federation.NewGrant(0, nil)
	}
	return grant, allowed
}

func (h *Hub) allow(id string, grant federation.Grant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.allowed[id] = grant
}

// remove takes a hub off the allowlist and gives its connection, if it has one.
func (h *Hub) remove(id string) network.Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.allowed, id)
	delete(h.news, id)
	for _, l := range h.links {
		if l.hub == id {
			return l.conn
		}
	}
	return nil
}

func (h *Hub) inviteKey() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.invite == nil || time.Now().Unix() >= h.invite.Expires {
		return nil
	}
	return h.invite.MacKey()
}

// settle keeps what a handshake gave its connection.
func (h *Hub) settle(c network.Conn, made *federation.Linked) {
	here, _ := h.granted(made.Hub)
	h.mu.Lock()
	defer h.mu.Unlock()
	if made.Purpose == federation.PurposePair {
		h.waiting[made.Hub] = federation.Fingerprint(made.Transcript)
		return
	}
	if h.dht != nil {
		go h.meets(c.RemotePeer())
	}
	h.links[c.ID()] = &link{conn: c, hub: made.Hub, here: here, there: made.Theirs, transcript: made.Transcript, by: made.Delegation}
}

func (h *Hub) linkOn(c network.Conn) *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links[c.ID()]
}

// linkWith gives the link with a hub, nil where there is none.
func (h *Hub) linkWith(id string) *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.links {
		if l.hub == id {
			return l
		}
	}
	return nil
}

func (h *Hub) forget(conn string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.links, conn)
	delete(h.handshakes, conn)
	delete(h.limits, conn)
}
