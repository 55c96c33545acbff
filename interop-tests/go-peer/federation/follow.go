package federation

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"go-peer/oap"
)

const headLife = 60 * time.Second

// Followed is what a hub knows of another's list of revocations. It follows lists of one key: what an operator does who
// replaces the key (revocation.md, section 3.4) is not followed, so that no head is good then.
type Followed struct {
	hub        string
	delegation Delegation
	key        ed25519.PublicKey
	seq        int64
	digest     string
	at         int64
	good       time.Time
	revoked    map[string]bool
}

// Follow begins at the empty list of a hub.
func Follow(hub string) *Followed {
	return &Followed{hub: hub, digest: strings.Repeat("0", 64), revoked: map[string]bool{}}
}

// Seq is up to where the list is known.
func (f *Followed) Seq() int64 { return f.seq }

// IsGood tells that the newest head is good.
func (f *Followed) IsGood(now time.Time) bool { return now.Before(f.good) }

// Revoked tells what of a right is revoked: cap_id, kid, subject, or nothing.
func (f *Followed) Revoked(r Right) string {
	for _, revoke := range []oap.Object{{"cap_id": r.CapID}, {"kid": r.Kid}, {"subject": r.Subject}} {
		if f.revoked[string(Canonical(revoke))] {
			for name := range revoke {
				return name
			}
		}
	}
	return ""
}

// Take takes what the other hub says of its list; ok tells that it had the form of such a message.
func (f *Followed) Take(body []byte, now time.Time) bool {
	o, err := oap.ParseObject(body)
	if err != nil {
		return false
	}
	r := read(o)
	delegations, statements := r.list("delegations", 0, 8), r.list("statements", 0, mostTold)
	if !r.ok {
		return false
	}
	whole := true
	for _, value := range delegations {
		whole = whole && f.delegated(value)
	}
	for _, value := range statements {
		whole = whole && f.statement(value)
	}
	if whole && r.has("head") {
		f.head(o["head"], now)
	}
	return true
}

func (f *Followed) delegated(value any) bool {
	d, ok := ReadDelegation(value)
	if !ok || d.Role != "revocation" || d.Hub != f.hub || !d.Fits() {
		return false
	}
	if f.key != nil {
		return string(Canonical(value)) == string(Canonical(f.delegation.Value))
	}
	statement := read(d.Value["statement"])
	f.delegation, f.key = d, statement.key("key")
	return true
}

// own reads a statement of the list's key.
func (f *Followed) own(value any, tag string, names ...string) (*reader, bool) {
	r, sig := parts(value, tag)
	r.only(append(names, "at", "epoch", "hub", "key", "seq")...)
	hub, _ := r.hub("hub")
	key, at := r.key("key"), r.time("at")
	epoch := r.integer("epoch", 1, largestInteger)
	fits := r.ok && f.key != nil && hub == f.hub && key.Equal(f.key) && epoch == f.delegation.Epoch &&
		at >= f.delegation.NotBefore && at <= f.delegation.NotAfter && ed25519.Verify(key, sig.message, sig.signature)
	return r, fits
}

func (f *Followed) statement(value any) bool {
	r, fits := f.own(value, revocationTag, "prev", "reason", "revoke")
	seq := r.integer("seq", 1, largestInteger)
	r.hex("prev", 32)
	r.reason("reason")
	revoke := read(r.o["revoke"])
	switch {
	case !fits || !r.ok || !revoke.ok || len(revoke.o) != 1:
		return false
	case seq <= f.seq:
		return true
	case seq != f.seq+1 || r.text("prev") != f.digest || r.o["at"].(int64) < f.at:
		return false
	}
	line := sha256.Sum256(Canonical(value))
	f.seq, f.digest, f.at = seq, hex.EncodeToString(line[:]), r.o["at"].(int64)
	f.revoked[string(Canonical(revoke.o))] = true
	return true
}

func (f *Followed) head(value any, now time.Time) {
	r, fits := f.own(value, headTag, "digest")
	at, seq := r.time("at"), r.integer("seq", 0, largestInteger)
	skew := now.Unix() - at
	if !fits || !r.ok || seq != f.seq || r.text("digest") != f.digest || skew > exchangeSkew || skew < -exchangeSkew {
		return
	}
	good := now
	if made := time.Unix(at, 0); made.Before(now) {
		good = now.Add(made.Sub(now))
	}
	if good = good.Add(headLife); good.After(f.good) {
		f.good = good
	}
}
