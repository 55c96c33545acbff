package main

import (
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"go-peer/oap"
)

const protocolID = protocol.ID("/oap/1.0.0")

var encrypters = map[string]libp2p.Option{
	"noise": libp2p.Security(noise.ID, noise.New),
	"tls":   libp2p.Security(libp2ptls.ID, libp2ptls.New),
}

// newHost opens a node over tcp with yamux and one encrypter; it listens on loopback if asked to.
func newHost(encryption string, listen bool, more ...libp2p.Option) (host.Host, error) {
	encrypter, ok := encrypters[encryption]
	if !ok {
		return nil, fmt.Errorf("unknown encryption %q: noise or tls", encryption)
	}
	addresses := libp2p.NoListenAddrs
	if listen {
		addresses = libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0")
	}
	return libp2p.New(append(more, addresses, encrypter, libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport), libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}))...)
}

// links keeps what holds for each connection while it lives.
type links struct {
	mu  sync.Mutex
	all map[string]*oap.Link
}

func newLinks(h host.Host) *links {
	l := &links{all: map[string]*oap.Link{}}
	h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, c.ID())
	}})
	return l
}

func (l *links) of(c network.Conn) *oap.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	link, ok := l.all[c.ID()]
	if !ok {
		link = oap.NewLink()
		l.all[c.ID()] = link
	}
	return link
}
