package hub

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"go-peer/federation"
	"go-peer/oap"
)

// Protocol is that of OAP/1.
const Protocol = protocol.ID("/oap/1.0.0")

// verdict is how a call or a handshake ended.
type verdict struct {
	Linked bool   `json:"linked,omitempty"`
	Status uint16 `json:"status"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Refused is the code with which this side ended a handshake.
	Refused     string   `json:"refused,omitempty"`
	Transcript  string   `json:"transcript,omitempty"`
	Fingerprint string   `json:"fingerprint,omitempty"`
	Hub         string   `json:"hub,omitempty"`
	Verbs       []string `json:"verbs,omitempty"`
	Body        string   `json:"body,omitempty"`
	Connections int      `json:"connections,omitempty"`
}

// session is a stream on which this node calls.
type session struct {
	stream network.Stream
	client *oap.Client
	corr   uint64
}

// dial opens a session on a new connection to an address that ends in a peer id.
func (h *Hub) dial(ctx context.Context, address string) (*session, error) {
	target, err := peer.AddrInfoFromString(address)
	if err != nil {
		return nil, err
	}
	if err := h.host.Network().ClosePeer(target.ID); err != nil {
		return nil, err
	}
	if err := h.host.Connect(ctx, *target); err != nil {
		return nil, err
	}
	return h.open(ctx, target.ID)
}

func (h *Hub) open(ctx context.Context, id peer.ID) (*session, error) {
	stream, err := h.host.NewStream(ctx, id, Protocol)
	if err != nil {
		return nil, err
	}
	return &session{stream: stream, client: oap.NewClient(stream)}, nil
}

// call sends one START frame and collects the answer; an error answer is a verdict.
func (s *session) call(app uint16, payload, token []byte) ([]byte, verdict, error) {
	s.corr++
	f := oap.Frame{Flags: oap.REQ | oap.START | oap.END, App: app, Corr: s.corr, Cap: token, Payload: payload}
	if err := s.client.Send(f); err != nil {
		return nil, verdict{}, err
	}
	last, body, err := s.client.Answer(s.corr, callTime)
	v := verdict{Status: last.Code}
	if err == nil && last.Code != 0 {
		err = json.Unmarshal(body, &v)
	}
	return body, v, err
}

// handshake makes one on a fresh session, as this node or as a stray one.
func (h *Hub) handshake(s *session, node *federation.Node, hub, nonce string, key []byte, stray way) (verdict, error) {
	c := s.stream.Conn()
	i := federation.NewInitiator(node, c.RemotePeer().String(), hub, nonce, key)
	challenge, v, err := s.call(federationApp, helloPayload(stray.sent(i.Start(time.Now()))), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	ask, refusal := i.Take(federation.Message{Kind: "challenge", Body: challenge}, time.Now())
	if refusal != nil {
		return verdict{Refused: refusal.Code}, c.Close()
	}
	return h.prove(s, i, stray.sent(ask))
}

func helloPayload(m federation.Message) []byte { return oap.Record(`{"op":"hello"}`, m.Body) }

func (h *Hub) prove(s *session, i *federation.Initiator, ask federation.Message) (verdict, error) {
	op := map[string]string{federation.PurposeLink: "prove", federation.PurposePair: "pair"}[ask.Purpose]
	body, v, err := s.call(federationApp, record(ask, op), nil)
	if err != nil || v.Status != 0 {
		return v, err
	}
	answer, err := oap.ParseRequest(body)
	if err != nil || !answer.Record {
		return v, errors.Join(errors.New("the answer is no record"), err)
	}
	signature, _ := answer.Header["signature"].(string)
	mac, _ := answer.Header["mac"].(string)
	m := federation.Message{Kind: "proof", Purpose: ask.Purpose, Body: answer.Body, Signature: unhex(signature), Mac: unhex(mac)}
	if _, refusal := i.Take(m, time.Now()); refusal != nil {
		return verdict{Refused: refusal.Code}, s.stream.Conn().Close()
	}
	h.settle(s.stream.Conn(), i.Result)
	return verdict{
		Linked: true, Hub: i.Result.Hub, Transcript: hex.EncodeToString(i.Result.Transcript), Verbs: i.Result.Theirs.Verbs,
		Fingerprint: federation.Fingerprint(i.Result.Transcript),
	}, nil
}

// echo calls another hub over the link with it.
func (h *Hub) echo(hub, op, text string) (verdict, error) {
	body, v, err := h.over(hub, oap.EchoApp, oap.Record(fmt.Sprintf(`{"op":%q}`, op), []byte(text)))
	if err == nil && v.Status == 0 {
		v.Body = string(body)
	}
	return v, err
}

// over calls an operation on the connection of a link.
func (h *Hub) over(hub string, app uint16, payload []byte) ([]byte, verdict, error) {
	l := h.linkWith(hub)
	if l == nil {
		return nil, verdict{}, fmt.Errorf("no link with %s", hub)
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	s, err := h.open(ctx, l.conn.RemotePeer())
	if err != nil {
		return nil, verdict{}, err
	}
	defer s.stream.Close()
	return s.call(app, payload, nil)
}
