package hub

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"go-peer/storage"
)

// strayRecords are messages that a node must not take.
var strayRecords = map[string]func(h *Hub, root storage.CID) *pb.Message{
	"": func(h *Hub, root storage.CID) *pb.Message { return h.record(root.Multihash(), h.host.ID()) },
	"other peer": func(h *Hub, root storage.CID) *pb.Message {
		return h.record(root.Multihash(), strangerID())
	},
	"other hash": func(h *Hub, root storage.CID) *pb.Message {
		return h.record(slices.Concat([]byte{0x01, 0x55, 0x13, 0x40}, root[4:], root[4:]), h.host.ID())
	},
	"no hash": func(h *Hub, _ storage.CID) *pb.Message {
		key := append([]byte{0x01, 0x55, 0x00}, binary.AppendUvarint(nil, 10_000)...)
		return h.record(append(key, make([]byte, 10_000)...), h.host.ID())
	},
	"no key": func(h *Hub, _ storage.CID) *pb.Message { return h.record(nil, h.host.ID()) },
	"too long": func(h *Hub, root storage.CID) *pb.Message {
		m := h.record(root.Multihash(), h.host.ID())
		m.ProviderPeers[0].Addrs = slices.Repeat(m.ProviderPeers[0].Addrs, 20_000)
		return m
	},
	"many addresses": func(h *Hub, root storage.CID) *pb.Message {
		m := h.record(root.Multihash(), h.host.ID())
		for port := range 1000 {
			m.ProviderPeers[0].Addrs = append(m.ProviderPeers[0].Addrs, []byte{4, 127, 0, 0, 1, 6, byte(port >> 8), byte(port)})
		}
		return m
	},
	"value":      func(*Hub, storage.CID) *pb.Message { return value("/other/key", 100) },
	"public key": func(h *Hub, _ storage.CID) *pb.Message { return value("/pk/"+string(h.host.ID()), 36) },
}

func strangerID() peer.ID {
	private, err := crypto.UnmarshalEd25519PrivateKey(strangerKeys().Node)
	if err != nil {
		panic(err)
	}
	id, err := peer.IDFromPrivateKey(private)
	if err != nil {
		panic(err)
	}
	return id
}

// value is a message that stores bytes under a key.
func value(key string, bytes int) *pb.Message {
	m := pb.NewMessage(pb.Message_PUT_VALUE, []byte(key), 0)
	m.Record = &recpb.Record{Key: []byte(key), Value: make([]byte, bytes)}
	return m
}

func (h *Hub) record(key []byte, provider peer.ID) *pb.Message {
	m := pb.NewMessage(pb.Message_ADD_PROVIDER, key, 0)
	m.ProviderPeers = pb.RawPeerInfosToPBPeers([]peer.AddrInfo{{ID: provider, Addrs: h.host.Addrs()}})
	return m
}

// fate is what became of a message: an answer, the end of its stream, or nothing within a second.
type fate string

// tellsRecord sends one message of the DHT, and a question behind it on the same stream.
func tellsRecord(ctx context.Context, h *Hub, c command) (any, error) {
	message, known := strayRecords[c.Way]
	l := h.linkWith(c.Hub)
	root, _, err := rootKey(c.CID)
	if err != nil || !known || l == nil {
		return nil, errors.Join(fmt.Errorf("no record %q, or no link", c.Way), err)
	}
	stream, err := h.host.NewStream(ctx, l.conn.RemotePeer(), h.dhtProtocol)
	if err != nil {
		return nil, err
	}
	defer stream.Reset()
	_ = stream.SetDeadline(time.Now().Add(dhtAnswer))
	ping := pb.NewMessage(pb.Message_FIND_NODE, []byte(h.host.ID()), 0)
	for _, m := range []*pb.Message{message(h, root), ping} {
		if err := write(stream, m); err != nil {
			return map[string]fate{"told": "reset"}, nil
		}
	}
	return map[string]fate{"told": answered(stream)}, nil
}

func write(stream network.Stream, m *pb.Message) error {
	bytes, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	_, err = stream.Write(append(binary.AppendUvarint(nil, uint64(len(bytes))), bytes...))
	return err
}

func answered(stream network.Stream) fate {
	one := []byte{0}
	switch _, err := stream.Read(one); {
	case err == nil:
		return "answer"
	case errors.Is(err, network.ErrReset):
		return "reset"
	case errors.Is(err, io.EOF):
		return "end"
	default:
		return fate(err.Error())
	}
}
