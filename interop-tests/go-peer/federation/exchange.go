package federation

import (
	"crypto/ed25519"
	"encoding/hex"
	"slices"

	"go-peer/oap"
)

const exchangeTag = "omnigate/cap-exchange/1"

// Wish is what a hub vouches for in the name of an agent, to have another hub mint it a token.
type Wish struct {
	// Audience is the hub that is to mint.
	Audience string
	// CapID and Kid are those of the agent's right at home.
	CapID string
	Kid   int64
	// Peer is the agent's peer id.
	Peer  string
	Share string
	// Topics and Verbs are what the token is to allow.
	Topics, Verbs []string
	Expires       int64
	Nonce         string
}

// Exchange gives the line of the statement, which the node's own key signs.
func (n *Node) Exchange(w Wish, at int64) []byte {
	key := n.Key.Public().(ed25519.PublicKey)
	statement := oap.Object{
		"at": at, "audience": w.Audience, "cap_id": w.CapID, "epoch": n.Delegation.Epoch, "expires": w.Expires,
		"hub": n.Delegation.Hub, "key": hex.EncodeToString(key), "kid": w.Kid, "nonce": w.Nonce, "peer": w.Peer,
		"share": w.Share, "topics": ascending(w.Topics), "verbs": ascending(w.Verbs),
	}
	if n.Alter != nil {
		n.Alter("exchange", statement)
	}
	return Canonical(sign(n.Key, exchangeTag, statement))
}

func ascending(texts []string) []any {
	list := []any{}
	for _, text := range slices.Sorted(slices.Values(texts)) {
		list = append(list, text)
	}
	return list
}
