package federation

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"go-peer/oap"
)

type wireMessage struct{ Kind, Purpose, Body, Signature, Mac string }

type handshakeVectors struct {
	Now   int64
	Nodes map[string]struct {
		Hub, Boot, Federation string
		NodeSeed              string `json:"node_seed"`
		PeerID                string `json:"peer_id"`
		Delegation            json.RawMessage
	}
	Facts  map[string]json.RawMessage
	Invite struct{ Secret, K string }
	Runs   []struct {
		Name, Purpose, Initiator, Responder string
		Nonces                              struct{ Initiator, Responder string }
		Now                                 struct{ Initiator, Responder int64 }
		Hello, Challenge, Proof, Answer     string
		I, R                                string
		Signatures, Macs                    struct{ Initiator, Responder string }
	}
	Refusals []struct {
		entry
		Role, Node, Channel, Nonce, Hub string
		Now                             int64
		Allows                          []string
		Before                          []wireMessage
		Message                         wireMessage
		Code                            string
		Told                            *string
		AfterMS                         int `json:"after_ms"`
		Drew, Shown                     []string
		Revoked, Invite, Secret         bool
	}
	PeerIDs []struct {
		entry
		PublicKey string `json:"public_key"`
	} `json:"peer_ids"`
}

const handshakeFile = "federation-handshake.json"

func (w wireMessage) message(t *testing.T) Message {
	t.Helper()
	return Message{w.Kind, w.Purpose, []byte(w.Body), unhex(t, w.Signature), unhex(t, w.Mac)}
}

// node is the party of that name, which allows everybody unless a test says otherwise.
func (v handshakeVectors) node(t *testing.T, name string) *Node {
	t.Helper()
	given := v.Nodes[name]
	delegation, ok := ReadDelegation(strict(t, given.Delegation))
	if !ok || delegation.Hub != given.Hub {
		t.Fatal("the delegation of", name)
	}
	var facts oap.Object
	if v.Facts[name] != nil {
		facts = strict(t, v.Facts[name]).(oap.Object)
	}
	return &Node{
		PeerID: given.PeerID, Key: ed25519.NewKeyFromSeed(unhex(t, given.NodeSeed)), Delegation: delegation,
		Boot: given.Boot, Federation: given.Federation, Nonces: &Nonces{},
		Allows:    func(string) bool { return true },
		Revoked:   func(Delegation) bool { return false },
		Facts:     func(string) oap.Object { return facts },
		InviteKey: func() []byte { return nil },
	}
}

func TestHandshakesByteByByte(t *testing.T) {
	file := load[handshakeVectors](t, handshakeFile)
	k := unhex(t, file.Invite.K)
	for _, v := range some(t, file.Runs) {
		a, b := file.node(t, v.Initiator), file.node(t, v.Responder)
		b.InviteKey = func() []byte { return k }
		var key []byte
		if v.Purpose == PurposePair {
			key = k
		}
		asks := NewInitiator(a, b.PeerID, b.Delegation.Hub, v.Nonces.Initiator, key)
		answers := NewResponder(b, a.PeerID, v.Nonces.Responder)
		here, there := time.Unix(v.Now.Initiator, 0), time.Unix(v.Now.Responder, 0)

		hello := asks.Start(here)
		challenge, r1 := answers.Take(hello, there)
		proof, r2 := asks.Take(challenge, here)
		answer, r3 := answers.Take(proof, there)
		_, r4 := asks.Take(answer, here)

		for _, refusal := range []*Refusal{r1, r2, r3, r4} {
			if refusal != nil {
				t.Fatal(v.Name, refusal)
			}
		}
		for want, got := range map[string][]byte{v.Hello: hello.Body, v.Challenge: challenge.Body, v.Proof: proof.Body, v.Answer: answer.Body} {
			if want != string(got) {
				t.Errorf("%s: %s\ninstead of\n%s", v.Name, got, want)
			}
		}
		for want, got := range map[string][]byte{
			v.Signatures.Initiator: proof.Signature, v.Signatures.Responder: answer.Signature, v.R: asks.Result.Transcript,
			v.I: asks.transcript[:5].digest(),
		} {
			if want != hex.EncodeToString(got) {
				t.Errorf("%s: %x instead of %s", v.Name, got, want)
			}
		}
		if v.Macs.Initiator != hex.EncodeToString(proof.Mac) || v.Macs.Responder != hex.EncodeToString(answer.Mac) {
			t.Errorf("%s: macs %x and %x", v.Name, proof.Mac, answer.Mac)
		}
		if !bytes.Equal(answers.Result.Transcript, asks.Result.Transcript) || answers.Result.Hub != a.Delegation.Hub {
			t.Errorf("%s: %+v", v.Name, answers.Result)
		}
	}
}

type machine interface {
	Take(Message, time.Time) (Message, *Refusal)
}

func TestRefusals(t *testing.T) {
	file := load[handshakeVectors](t, handshakeFile)
	k := unhex(t, file.Invite.K)
	for _, v := range some(t, file.Refusals) {
		n, now := file.node(t, v.Node), time.Unix(v.Now, 0)
		n.Allows = func(hub string) bool { return slices.Contains(v.Allows, hub) }
		n.Revoked = func(Delegation) bool { return v.Revoked }
		if v.Invite {
			n.InviteKey = func() []byte { return k }
		}
		for _, nonce := range v.Drew {
			n.Nonces.Drew(nonce, now)
		}
		for _, nonce := range v.Shown {
			n.Nonces.Shown(nonce, now)
		}
		var m machine
		if v.Role == roleAnswers {
			m = NewResponder(n, v.Channel, v.Nonce)
		} else {
			var key []byte
			if v.Secret {
				key = k
			}
			i := NewInitiator(n, v.Channel, v.Hub, v.Nonce, key)
			i.Start(now)
			m = i
		}
		for _, before := range v.Before {
			if _, refusal := m.Take(before.message(t), now); refusal != nil {
				t.Errorf("%v: %s is refused already: %v", v.entry, before.Kind, refusal)
			}
		}
		_, refusal := m.Take(v.Message.message(t), now.Add(time.Duration(v.AfterMS)*time.Millisecond))
		if refusal == nil || refusal.Code != v.Code {
			t.Errorf("%v: %v instead of %s", v.entry, refusal, v.Code)
			continue
		}
		if v.Told == nil {
			continue
		}
		if told, _ := refusal.Told(); told != *v.Told {
			t.Errorf("%v: told %s instead of %s", v.entry, told, *v.Told)
		}
	}
}

func TestPeerIds(t *testing.T) {
	for _, v := range some(t, load[handshakeVectors](t, handshakeFile).PeerIDs) {
		key, ok := ParsePeerID(v.Text)
		if ok != v.Accept || ok && hex.EncodeToString(key) != v.PublicKey {
			t.Error(v.entry, ok)
		}
	}
}

func TestANonceIsForgottenAtLast(t *testing.T) {
	n, now := &Nonces{}, time.Unix(1_795_000_000, 0)
	drawn := n.Draw(now)
	if n.Shown("a", now); !n.WasShown("a", now.Add(nonceMemory-1)) || n.WasShown("a", now.Add(nonceMemory)) {
		t.Error("its time")
	}
	for range noncesRemembered - 2 {
		n.Shown("b", now)
	}
	if !n.IsOwn(drawn, now) || n.WasShown(drawn, now) {
		t.Error("forgotten too early, or mistaken for another's")
	}
	if n.Shown("c", now); n.IsOwn(drawn, now) {
		t.Error("more are remembered than may be")
	}
}
