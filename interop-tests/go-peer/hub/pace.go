package hub

import (
	"time"

	"go-peer/oap"
)

const (
	newsBurst     = 8
	newsPerSecond = 1
)

// pace says how often something may happen: so often at once, and so often each second.
type pace struct {
	burst, perSecond, left float64
	since                  time.Time
}

func newPace(burst, perSecond float64, now time.Time) *pace {
	return &pace{burst: burst, perSecond: perSecond, left: burst, since: now}
}

// take gives how long to wait; nothing where it may happen now.
func (p *pace) take(now time.Time) time.Duration {
	p.left = min(p.burst, p.left+max(0, now.Sub(p.since).Seconds())*p.perSecond)
	p.since = now
	if p.left < 1 {
		return time.Duration((1 - p.left) / p.perSecond * float64(time.Second))
	}
	p.left--
	return 0
}

// mayTell takes one of the new_keys that a hub has, over whichever link. Only hubs of the allowlist link, so that there
// are few paces; one is forgotten with the hub.
func (h *Hub) mayTell(id string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, known := h.news[id]
	if !known {
		p = newPace(newsBurst, newsPerSecond, now)
		h.news[id] = p
	}
	if wait := p.take(now); wait > 0 {
		return oap.Later("quota_peer", wait)
	}
	return nil
}
