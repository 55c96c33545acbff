package federation

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

const (
	noncesRemembered = 4096
	nonceMemory      = 10 * time.Minute
)

type remembered struct {
	nonce string
	drawn bool
	until time.Time
}

// Nonces are those that a node drew and those that it was shown, for a time and up to a number.
type Nonces struct {
	mu  sync.Mutex
	all []remembered
}

// Draw gives a nonce that nobody has seen.
func (n *Nonces) Draw(now time.Time) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	nonce := hex.EncodeToString(b)
	n.Drew(nonce, now)
	return nonce
}

// Drew remembers a nonce of the node's own.
func (n *Nonces) Drew(nonce string, now time.Time) { n.add(nonce, true, now) }

// Shown remembers a nonce of another node.
func (n *Nonces) Shown(nonce string, now time.Time) { n.add(nonce, false, now) }

// IsOwn tells that the node drew it.
func (n *Nonces) IsOwn(nonce string, now time.Time) bool { return n.knows(nonce, true, now) }

// WasShown tells that it came before.
func (n *Nonces) WasShown(nonce string, now time.Time) bool { return n.knows(nonce, false, now) }

func (n *Nonces) add(nonce string, drawn bool, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.all) == noncesRemembered {
		n.all = n.all[1:]
	}
	n.all = append(n.all, remembered{nonce, drawn, now.Add(nonceMemory)})
}

func (n *Nonces) knows(nonce string, drawn bool, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.all {
		if r.nonce == nonce && r.drawn == drawn && now.Before(r.until) {
			return true
		}
	}
	return false
}
