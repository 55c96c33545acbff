package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"gopkg.in/macaroon.v2"

	"go-peer/oap"
)

const (
	capVariable = "RON_CAP"
	calledBody  = "hi from a Go application"
)

// restrictions are what an application adds to the token that it was given, as specs/capabilities.md writes them.
type restrictions struct {
	verb string
	ttl  time.Duration
}

func (r restrictions) caveats(now time.Time) []string {
	var list []string
	if r.verb != "" {
		list = append(list, "verb = "+r.verb)
	}
	if r.ttl != 0 {
		list = append(list, fmt.Sprintf("expires < %d", now.Add(r.ttl).Unix()))
	}
	return list
}

// narrowed is the token of the environment with the caveats added, or nil where there is no token.
func narrowed(text string, caveats []string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	token, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", capVariable, err)
	}
	var m macaroon.Macaroon
	if err := m.UnmarshalBinary(token); err != nil {
		return nil, fmt.Errorf("%s: %w", capVariable, err)
	}
	for _, caveat := range caveats {
		if err := m.AddFirstPartyCaveat([]byte(caveat)); err != nil {
			return nil, err
		}
	}
	return m.MarshalBinary()
}

type verdict struct {
	Status uint16 `json:"status"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// call echoes once under the token of the environment and prints the node's verdict as one JSON line.
func call(encryption string, add restrictions, address string) error {
	target, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	token, err := narrowed(os.Getenv(capVariable), add.caveats(time.Now()))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), caseTimeout)
	defer cancel()
	h, err := newHost(encryption, false)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.Connect(ctx, *target); err != nil {
		return err
	}
	stream, err := h.NewStream(ctx, target.ID, protocolID)
	if err != nil {
		return err
	}
	defer stream.Reset()
	answer, err := echoUnder(oap.NewClient(stream), token)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func echoUnder(c *oap.Client, token []byte) (verdict, error) {
	const corr = 1
	f := request(corr, `{"op":"echo"}`, []byte(calledBody))
	f.Cap = token
	if err := c.Send(f); err != nil {
		return verdict{}, err
	}
	last, body, err := c.Answer(corr, frameTimeout)
	answer := verdict{Status: last.Code}
	switch {
	case err != nil:
		return answer, err
	case last.Code != 0:
		return answer, json.Unmarshal(body, &answer)
	case string(body) != calledBody:
		return answer, errors.New("other bytes came back")
	}
	return answer, nil
}
