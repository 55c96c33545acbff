package hub

import (
	"context"
	"encoding/hex"
	"fmt"

	"go-peer/federation"
	"go-peer/oap"
)

const mostRecords = 576

// records are the lines of what the hub key has signed about keys.
func (h *Hub) records() []string {
	return []string{
		string(federation.Canonical(h.node.Delegation.Value)),
		string(federation.Canonical(h.revoked.Delegation())),
	}
}

// tellKeys answers a page of the records.
func (h *Hub) tellKeys(_ *link, call oap.Caller, _ []byte) ([]byte, error) {
	from, ok := call.Header()["from"].(int64)
	if !ok || from < 0 || from > mostRecords {
		return nil, oap.Refused("bad_request", 400, "", "from is missing, or not from 0 to 576")
	}
	lines := h.records()
	header := fmt.Sprintf(`{"total":%d,"digest":"%s"}`, len(lines), federation.RecordsDigest(lines))
	return oap.Record(header, federation.RecordsPage(lines, from)), nil
}

// takeKeys keeps which keys the hubs of the allowlist have revoked, and ends links that were made with one; and who goes
// on as whom, for the operator to confirm. Delegations are passed over: that of a link comes with its handshake.
func (h *Hub) takeKeys(_ *link, _ oap.Caller, body []byte) ([]byte, error) {
	lines, ok := federation.ReadPage(body)
	if !ok {
		return nil, oap.Refused("bad_request", 400, "", "no page of records")
	}
	for _, line := range lines {
		if s, ok := federation.SuccessionLine(line); ok {
			h.succession(s)
			continue
		}
		r, ok := federation.KeyRevocationLine(line)
		if !ok {
			continue
		}
		if _, allowed := h.granted(r.Hub); allowed && r.Fits() {
			h.revoke(r)
		}
	}
	return []byte("{}"), nil
}

func (h *Hub) revoke(r federation.KeyRevocation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.goneKeys[keyOf(r.Hub, r.Key)] = true
	for id, l := range h.links {
		if key, ok := federation.ParsePeerID(l.by.PeerID); ok && l.hub == r.Hub && key.Equal(r.Key) {
			delete(h.links, id)
			go func() { _ = l.conn.Close() }()
		}
	}
}

// isGone tells that the key of a delegation is revoked.
func (h *Hub) isGone(d federation.Delegation) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	key, ok := federation.ParsePeerID(d.PeerID)
	return ok && h.goneKeys[keyOf(d.Hub, key)]
}

func keyOf(hub string, key []byte) string { return hub + "/" + hex.EncodeToString(key) }

// knowsRevoked counts the keys that a hub has revoked.
func knowsRevoked(_ context.Context, h *Hub, c command) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := 0
	for key := range h.goneKeys {
		if len(key) > len(c.Hub) && key[:len(c.Hub)] == c.Hub {
			count++
		}
	}
	return map[string]int{"revoked": count}, nil
}
