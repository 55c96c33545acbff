package oap

import (
	"sync"
	"time"
)

const (
	leastMaxFrame  = 4096
	maxInflight    = 64
	mostMaxNumber  = 1<<31 - 1
	helloBurst     = 10
	helloPerSecond = 1
)

// Link is what holds for all sessions of one connection: its limits and its HELLO bucket.
type Link struct {
	mu          sync.Mutex
	maxFrame    uint32
	maxInflight int
	fixed       bool
	hellos      float64
	since       time.Time
}

func NewLink() *Link {
	return &Link{maxFrame: MaxFrame, maxInflight: maxInflight, hellos: helloBurst, since: time.Now()}
}

func (l *Link) Limits() (maxFrame uint32, maxInflight int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.maxFrame, l.maxInflight
}

// takeHello tells whether the bucket of section 6.1 had one left.
func (l *Link) takeHello(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hellos = min(helloBurst, l.hellos+now.Sub(l.since).Seconds()*helloPerSecond)
	l.since = now
	if l.hellos < 1 {
		return false
	}
	l.hellos--
	return true
}

// agree fixes the limits at the first HELLO; later ones change nothing.
func (l *Link) agree(frame, inflight int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fixed {
		return
	}
	l.fixed = true
	l.maxFrame = uint32(min(int64(l.maxFrame), frame))
	l.maxInflight = int(min(int64(l.maxInflight), inflight))
}
