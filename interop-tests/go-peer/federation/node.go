package federation

import (
	"crypto/ed25519"
	"slices"
	"time"

	"go-peer/oap"
)

const (
	stepTime      = 5 * time.Second
	handshakeTime = 10 * time.Second
)

// Node is what a node says of itself and how it stands with others.
type Node struct {
	PeerID     string
	Key        ed25519.PrivateKey
	Delegation Delegation
	Boot       string
	Federation string
	Nonces     *Nonces
	Allows     func(hub string) bool
	Revoked    func(Delegation) bool
	// Facts are those of section 3.3 for one hub.
	Facts func(hub string) oap.Object
	// InviteKey is the SHA-256 of the secret of the invite that is open, nil where none is.
	InviteKey func() []byte
	// Alter changes a message of the node's own before it is signed and sent, to be a bad peer; nil in a good one.
	Alter func(kind string, message oap.Object)
}

// Linked is a handshake that succeeded, for a link or for a pairing.
type Linked struct {
	Hub        string
	Purpose    string
	Delegation Delegation
	Transcript []byte
	// Theirs is what the other hub grants; the zero grant in a pairing.
	Theirs Grant
}

type state int

const (
	starting state = iota
	asked
	proved
	over
)

// steps are what both machines have of order and time.
type steps struct {
	at          state
	began, last time.Time
}

// late tells that what the machine waited for comes too late.
func (s *steps) late(now time.Time) bool {
	return now.Sub(s.last) >= stepTime || now.Sub(s.began) >= handshakeTime
}

func (n *Node) treatyFor(hub string) Grant {
	g, _ := ReadGrant(n.Facts(hub)["treaty"])
	return g
}

// ends judges who says that they speak to whom.
func (n *Node) ends(from, to, channel string, mirrored bool) *Refusal {
	switch {
	case from == n.PeerID || mirrored:
		return refuse("reflected")
	case from != channel || to != n.PeerID:
		return refuse("relayed")
	}
	return nil
}

// delegated judges a delegation by its signature and the channel, then by what has been revoked, then by its time.
func (n *Node) delegated(d Delegation, channel string, signatureFits func() bool, now time.Time) *Refusal {
	switch {
	case d.PeerID != channel || !d.Fits() || !signatureFits():
		return refuse("wrong_key")
	case n.Revoked(d):
		return refuse("revoked")
	case !d.Holds(now.Unix()):
		return refuse("expired_delegation")
	}
	return nil
}

func (n *Node) mayHave(hub string) bool { return hub != n.Delegation.Hub && n.Allows(hub) }

func knows(must []string) *Refusal {
	if len(must) > 0 {
		return refuse("unknown_extension")
	}
	return nil
}

func offers(versions []int64, algs []string) *Refusal {
	switch {
	case !slices.Contains(versions, version):
		return refuse("unknown_version")
	case !slices.Contains(algs, algorithmName):
		return refuse("unknown_algorithm")
	}
	return nil
}

func first(verdicts ...func() *Refusal) *Refusal {
	for _, judge := range verdicts {
		if r := judge(); r != nil {
			return r
		}
	}
	return nil
}
