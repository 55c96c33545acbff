package main

import (
	"encoding/json"
	"os"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"

	"go-peer/hub"
)

// runHub is a hub of new keys. It prints one JSON line of who it is, and does what it is told until standard input ends.
func runHub(encryption, federation, stray string, inDHT bool) error {
	keys, err := hub.NewKeys()
	if err != nil {
		return err
	}
	node, err := crypto.UnmarshalEd25519PrivateKey(keys.Node)
	if err != nil {
		return err
	}
	host, err := newHost(encryption, true, libp2p.Identity(node))
	if err != nil {
		return err
	}
	defer host.Close()
	h := hub.New(host, keys, federation)
	if err := h.Stray(stray); err != nil {
		return err
	}
	if inDHT {
		if err := h.JoinDHT(federation); err != nil {
			return err
		}
	}
	host.SetStreamHandler(hub.Protocol, h.Serve)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"hub": h.ID(), "multiaddr": h.Address()}); err != nil {
		return err
	}
	return h.Obey(os.Stdin, os.Stdout)
}
