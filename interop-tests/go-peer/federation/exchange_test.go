package federation

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), 32)))
}

var (
	exchangeTime = time.Unix(1_795_000_000, 0)
	share        = Shared{ID: strings.Repeat("a", 32), Name: "shared", Topic: "dispatch/**"}
	exchangeWays = Ways{"mailbox:send": "in"}
)

// voucher is a node of a hub that says something for its agent.
func voucher() (*Node, Wish) {
	now := exchangeTime.Unix()
	peerID := PeerID(key(2).Public().(ed25519.PublicKey))
	n := &Node{Key: key(2), PeerID: peerID, Delegation: Delegate(key(1), "a", peerID, 3, now-10, now+1000)}
	return n, Wish{
		Audience: HubID(key(3).Public().(ed25519.PublicKey)), CapID: strings.Repeat("b", 32), Kid: 7, Peer: peerID,
		Share: share.ID, Topics: []string{"dispatch/b", "dispatch/a", "other"}, Verbs: []string{"mailbox:send"},
		Expires: now + 100, Nonce: strings.Repeat("c", 32),
	}
}

func TestATokenAllowsWhatBothSay(t *testing.T) {
	n, w := voucher()
	now := exchangeTime.Unix()
	v, ok := ReadVouched(n.Exchange(w, now))
	if !ok || v.Proved(n.Delegation, w.Audience, now) != "" {
		t.Fatal("its own statement is refused:", v.Proved(n.Delegation, w.Audience, now))
	}
	caveats, refusal := v.Caveats(NewGrant(0, []string{"cap:exchange", "mailbox:send"}, share), exchangeWays, now)
	want := []string{
		"verb = mailbox:send", "topic = dispatch/a,dispatch/b", "peer = " + w.Peer, "audience = " + w.Audience,
		"origin = " + n.Delegation.Hub + "/" + w.CapID, "expires < 1795000100",
	}
	if refusal != "" || !slices.Equal(caveats, want) {
		t.Error(refusal, caveats)
	}
}

func TestWhatTheGrantDoesNotShareIsRefused(t *testing.T) {
	n, w := voucher()
	now := exchangeTime.Unix()
	v, _ := ReadVouched(n.Exchange(w, now))
	other := share
	other.Topic = "elsewhere/**"
	for want, grant := range map[string]Grant{
		"share":   NewGrant(0, []string{"mailbox:send"}),
		"verb":    NewGrant(0, []string{"cap:exchange"}, share),
		"topic":   NewGrant(0, []string{"mailbox:send"}, other),
		"expires": NewGrant(now, []string{"mailbox:send"}, share),
	} {
		if _, refusal := v.Caveats(grant, exchangeWays, now); refusal != want {
			t.Errorf("%q instead of %s", refusal, want)
		}
	}
	for want, refusal := range map[string]string{
		"hub":      v.Proved(Delegate(key(4), "a", w.Peer, 3, now-10, now+1000), w.Audience, now),
		"key":      v.Proved(Delegate(key(1), "a", w.Peer, 4, now-10, now+1000), w.Audience, now),
		"time":     v.Proved(Delegate(key(1), "a", w.Peer, 3, now+1, now+1000), w.Audience, now),
		"audience": v.Proved(n.Delegation, n.Delegation.Hub, now),
		"clock":    v.Proved(n.Delegation, w.Audience, now+61),
	} {
		if refusal != want {
			t.Errorf("%q instead of %s", refusal, want)
		}
	}
}

func TestAListIsFollowedToItsHead(t *testing.T) {
	at := exchangeTime.Unix()
	list := NewRevocations(key(1), key(5), "a", at-10, at+1000)
	hub := HubID(key(1).Public().(ed25519.PublicKey))
	f := Follow(hub)
	right := Right{Hub: hub, CapID: strings.Repeat("b", 32), Kid: 1}
	if f.IsGood(exchangeTime) || !f.Take(list.Told(0, at), exchangeTime) || !f.IsGood(exchangeTime.Add(headLife-1)) {
		t.Fatal("the head of the empty list")
	}
	if f.IsGood(exchangeTime.Add(headLife)) || f.Revoked(right) != "" {
		t.Error("its end, or what it says")
	}
	list.Revoke(strings.Repeat("d", 32), "", at)
	list.Revoke(right.CapID, "lost", at)
	late := Follow(hub)
	if late.Take(list.Told(1, at), exchangeTime); late.Seq() != 0 || late.IsGood(exchangeTime) {
		t.Error("a list with a gap is followed")
	}
	if f.Take(list.Told(f.Seq(), at), exchangeTime); f.Seq() != 2 || f.Revoked(right) != "cap_id" {
		t.Error("the list goes up to", f.Seq(), f.Revoked(right))
	}
	forged := NewRevocations(key(4), key(5), "a", at-10, at+1000)
	if other := Follow(hub); !other.Take(forged.Told(0, at), exchangeTime) || other.IsGood(exchangeTime) {
		t.Error("the list of another hub is good")
	}
}
