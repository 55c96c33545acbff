package federation

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"go-peer/oap"
)

const (
	revocationTag = "omnigate/revocation/1"
	headTag       = "omnigate/revocation-head/1"
	mostTold      = 32
)

// Revocations is the list of a hub's revocations, with the key that signs it.
type Revocations struct {
	hub        string
	key        ed25519.PrivateKey
	delegation oap.Object
	statements []oap.Object
	digest     string
}

// NewRevocations has the hub key delegate `key` for a list that is empty.
func NewRevocations(hub, key ed25519.PrivateKey, node string, notBefore, notAfter int64) *Revocations {
	id := HubID(hub.Public().(ed25519.PublicKey))
	r := &Revocations{hub: id, key: key, digest: strings.Repeat("0", 64)}
	r.delegation = sign(hub, delegationTag, oap.Object{
		"epoch": 1, "hub": id, "key": r.public(), "node": node, "not_after": notAfter, "not_before": notBefore,
		"role": "revocation",
	})
	return r
}

func (r *Revocations) public() string {
	return hex.EncodeToString(r.key.Public().(ed25519.PublicKey))
}

// Delegation is the hub key's word for the key of the list, as it stands inside other JSON.
func (r *Revocations) Delegation() oap.Object { return r.delegation }

// Seq is how many statements the list has.
func (r *Revocations) Seq() int64 { return int64(len(r.statements)) }

// Revoke ends a right.
func (r *Revocations) Revoke(capID, reason string, at int64) {
	s := sign(r.key, revocationTag, oap.Object{
		"at": at, "epoch": 1, "hub": r.hub, "key": r.public(), "prev": r.digest, "reason": reason,
		"revoke": oap.Object{"cap_id": capID}, "seq": r.Seq() + 1,
	})
	line := sha256.Sum256(Canonical(s))
	r.digest = hex.EncodeToString(line[:])
	r.statements = append(r.statements, s)
}

// Told is the body that tells a follower what is behind `from`, and where the list stands.
func (r *Revocations) Told(from, at int64) []byte {
	statements := []any{}
	for _, s := range r.statements[min(from, r.Seq()):] {
		if len(statements) < mostTold {
			statements = append(statements, s)
		}
	}
	head := sign(r.key, headTag, oap.Object{
		"at": at, "digest": r.digest, "epoch": 1, "hub": r.hub, "key": r.public(), "seq": r.Seq(),
	})
	return Canonical(oap.Object{"delegations": []any{r.delegation}, "head": head, "statements": statements})
}
