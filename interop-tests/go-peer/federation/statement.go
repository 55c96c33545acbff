package federation

import (
	"crypto/ed25519"
	"encoding/base64"

	"go-peer/oap"
)

const (
	delegationTag        = "omnigate/delegation/1"
	keyRevocationTag     = "omnigate/key-revocation/1"
	longestDelegation    = 4096
	longestKeyRevocation = 2048
	// RoleLink is the role of a key that makes handshakes.
	RoleLink = "link"
	// DelegationSkew is the allowance for another clock, in seconds, where a delegation is judged by itself.
	DelegationSkew = 60
)

var roles = map[string]bool{
	RoleLink: true, "message": true, "receipt": true, "revocation": true,
	"log": true, "witness": true, "snapshot": true, "manifest": true,
}

// Delegation is a hub key's word that another key signs for one of its nodes. Nothing is verified before Fits.
type Delegation struct {
	Hub, Node, Role, PeerID    string
	Epoch, NotBefore, NotAfter int64
	// Value is what a delegation is inside other JSON.
	Value  oap.Object
	hubKey ed25519.PublicKey
	signed
}

// KeyRevocation is a hub key's word that a key of its own signs no more.
type KeyRevocation struct {
	Hub    string
	Key    ed25519.PublicKey
	hubKey ed25519.PublicKey
	signed
}

type signed struct{ message, signature []byte }

// Fits tells that the hub key signed it.
func (d Delegation) Fits() bool { return ed25519.Verify(d.hubKey, d.message, d.signature) }

// Fits tells that the hub key signed it.
func (r KeyRevocation) Fits() bool { return ed25519.Verify(r.hubKey, r.message, r.signature) }

// Holds tells that a time lies within the delegation's, with the allowance for another clock.
func (d Delegation) Holds(now int64) bool {
	return d.NotBefore-DelegationSkew <= now && now <= d.NotAfter+DelegationSkew
}

func signedText(tag string, statement oap.Object) []byte {
	return append([]byte(tag+"\n"), Canonical(statement)...)
}

// Sign gives the statement with a signature, as it stands inside other JSON.
func sign(key ed25519.PrivateKey, tag string, statement oap.Object) oap.Object {
	signature := ed25519.Sign(key, signedText(tag, statement))
	return oap.Object{"signature": base64.StdEncoding.EncodeToString(signature), "statement": statement}
}

// Delegate signs that a peer id is a node of the hub.
func Delegate(hub ed25519.PrivateKey, node, peerID string, epoch, notBefore, notAfter int64) Delegation {
	d, ok := ReadDelegation(sign(hub, delegationTag, oap.Object{
		"epoch": epoch, "hub": HubID(hub.Public().(ed25519.PublicKey)), "node": node, "not_after": notAfter,
		"not_before": notBefore, "peer_id": peerID, "role": RoleLink,
	}))
	if !ok {
		panic("a delegation that nobody would take")
	}
	return d
}

// parts takes {signature, statement} apart.
func parts(value any, tag string) (*reader, signed) {
	outer := read(value)
	outer.only("signature", "statement")
	signature := outer.signature("signature")
	statement := read(outer.o["statement"])
	statement.check(outer.ok)
	return statement, signed{signedText(tag, statement.o), signature}
}

// ReadDelegation reads the form of a delegation inside other JSON.
func ReadDelegation(value any) (Delegation, bool) {
	r, sig := parts(value, delegationTag)
	d := Delegation{signed: sig}
	d.Value, _ = value.(oap.Object)
	d.Hub, d.hubKey = r.hub("hub")
	d.Node = r.matching("node", nodeName)
	d.Role = r.text("role")
	d.Epoch = r.integer("epoch", 1, largestInteger)
	d.NotBefore, d.NotAfter = r.time("not_before"), r.time("not_after")
	r.check(roles[d.Role])
	names := []string{"epoch", "hub", "node", "not_before", "not_after", "role"}
	switch {
	case d.Role == RoleLink:
		d.PeerID = r.peer("peer_id")
		names = append(names, "peer_id")
	case d.Role == "revocation" && r.has("after"):
		readAfter(r)
		names = append(names, "key", "after")
		r.key("key")
	default:
		names = append(names, "key")
		r.key("key")
	}
	r.only(names...)
	return d, r.ok && len(Canonical(value)) <= longestDelegation
}

func readAfter(r *reader) {
	after := read(r.o["after"])
	after.only("digest", "seq")
	after.hex("digest", 32)
	after.integer("seq", 0, largestInteger)
	r.check(after.ok)
}

// ReadKeyRevocation reads the form of a revocation of a key inside other JSON.
func ReadKeyRevocation(value any) (KeyRevocation, bool) {
	r, sig := parts(value, keyRevocationTag)
	k := KeyRevocation{signed: sig}
	k.Hub, k.hubKey = r.hub("hub")
	k.Key = r.key("key")
	r.time("at")
	r.reason("reason")
	r.only("at", "hub", "key", "reason")
	return k, r.ok
}

// DelegationLine reads a delegation that travels alone.
func DelegationLine(line string) (Delegation, bool) {
	o, ok := parseLine(line, longestDelegation)
	if !ok {
		return Delegation{}, false
	}
	return ReadDelegation(o)
}

// KeyRevocationLine reads a revocation of a key that travels alone.
func KeyRevocationLine(line string) (KeyRevocation, bool) {
	o, ok := parseLine(line, longestKeyRevocation)
	if !ok {
		return KeyRevocation{}, false
	}
	return ReadKeyRevocation(o)
}

func parseLine(line string, longest int) (oap.Object, bool) {
	if len([]rune(line)) > longest {
		return nil, false
	}
	return ParseCanonical([]byte(line))
}
