package hub

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"go-peer/storage"
)

const (
	dhtAnswer = 5 * time.Second
	mostFound = 20
)

// JoinDHT takes part in the DHT of a federation as specs/storage.md, section 8, has it.
func (h *Hub) JoinDHT(federation string) error {
	prefix := protocol.ID("/omnigate/" + federation)
	h.dhtProtocol = prefix + "/kad/1.0.0"
	joined, err := dht.New(h.host, dht.Mode(dht.ModeServer), dht.ProtocolPrefix(prefix), dht.BucketSize(20),
		dht.Concurrency(3), dht.DisableValues(), dht.DisableAutoRefresh())
	if err != nil {
		return err
	}
	h.dht = joined
	return nil
}

// meets puts a linked peer into the routing table: identify names the protocol to nobody.
func (h *Hub) meets(id peer.ID) { _, _ = h.dht.RoutingTable().TryAddPeer(id, true, false) }

// found is who a look-up named.
type found struct {
	Peer      string   `json:"peer"`
	Addresses []string `json:"addresses"`
}

func rootKey(text string) (storage.CID, cid.Cid, error) {
	root, err := storage.ReadCID(text)
	if err != nil {
		return root, cid.Undef, err
	}
	_, key, err := cid.CidFromBytes(root[:])
	return root, key, err
}

func provides(ctx context.Context, h *Hub, c command) (any, error) {
	_, key, err := rootKey(c.CID)
	if err != nil {
		return nil, err
	}
	return struct{}{}, h.dht.Provide(ctx, key, true)
}

func findsProviders(ctx context.Context, h *Hub, c command) (any, error) {
	_, key, err := rootKey(c.CID)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dhtAnswer)
	defer cancel()
	providers := []found{}
	for p := range h.dht.FindProvidersAsync(ctx, key, mostFound) {
		one := found{Peer: p.ID.String(), Addresses: []string{}}
		for _, address := range p.Addrs {
			one.Addresses = append(one.Addresses, address.String())
		}
		providers = append(providers, one)
	}
	return map[string]any{"providers": providers}, nil
}
