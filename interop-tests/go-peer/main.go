// Command go-peer is a second implementation of OAP/1, to test the first against.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"go-peer/oap"
)

const usage = `usage: go-peer serve [--encryption noise|tls] [--hostile]
       go-peer dial [--encryption noise|tls] [--case hello|echo|stream8m|slowreader|error|hostile|all] MULTIADDR
       go-peer hub [--federation NAME] [--stray WAY] [--dht]   (commands on standard input)
       go-peer call [--encryption noise|tls] [--verb VERBS] [--ttl DURATION] MULTIADDR   (token: RON_CAP)`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go-peer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command\n%s", usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	encryption := flags.String("encryption", "noise", "how connections are encrypted")
	hostile := flags.Bool("hostile", false, "serve: answer an echo call by the script that its body names")
	name := flags.String("case", "all", "dial: which case to play")
	federation := flags.String("federation", "main", "hub: the federation that it is of")
	stray := flags.String("stray", "", "hub: how it answers wrongly where it is dialled")
	inDHT := flags.Bool("dht", false, "hub: take part in the DHT of linked hubs")
	var add restrictions
	flags.StringVar(&add.verb, "verb", "", "call: narrow the token to these verbs")
	flags.DurationVar(&add.ttl, "ttl", 0, "call: let the token end so long from now")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch {
	case args[0] == "serve" && flags.NArg() == 0:
		return serve(*encryption, *hostile)
	case args[0] == "hub" && flags.NArg() == 0:
		return runHub(*encryption, *federation, *stray, *inDHT)
	case args[0] == "dial" && flags.NArg() == 1:
		return dial(*encryption, *name, flags.Arg(0))
	case args[0] == "call" && flags.NArg() == 1:
		return call(*encryption, add, flags.Arg(0))
	}
	return fmt.Errorf("cannot understand the arguments\n%s", usage)
}

// serve prints one JSON line with its multiaddr and answers until standard input ends.
func serve(encryption string, hostile bool) error {
	h, err := newHost(encryption, true)
	if err != nil {
		return err
	}
	defer h.Close()
	h.SetStreamHandler(protocolID, handler(h, hostile))
	address := fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID())
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"multiaddr": address}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func handler(h host.Host, hostile bool) network.StreamHandler {
	if hostile {
		return func(s network.Stream) { playScript(s) }
	}
	links, services := newLinks(h), map[uint16]oap.Service{oap.EchoApp: oap.Echo}
	return func(s network.Stream) { oap.Serve(s, links.of(s.Conn()), services) }
}

// dial plays cases against a node and prints one JSON line for each; a failed case is an error.
func dial(encryption, name, address string) error {
	target, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	selected := casesNamed(name)
	if len(selected) == 0 {
		return fmt.Errorf("no case %q\n%s", name, usage)
	}
	failed := 0
	for _, c := range selected {
		result := play(c, encryption, *target)
		if !result.Pass {
			failed++
		}
		if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(selected))
	}
	return nil
}

type result struct {
	Case    string `json:"case"`
	Pass    bool   `json:"pass"`
	Message string `json:"message,omitempty"`
}

// play gives each case a host and a connection of its own, so that no bucket is shared.
func play(c testCase, encryption string, target peer.AddrInfo) result {
	ctx, cancel := context.WithTimeout(context.Background(), caseTimeout)
	defer cancel()
	h, err := newHost(encryption, false)
	if err != nil {
		return result{c.name, false, err.Error()}
	}
	defer h.Close()
	if err := h.Connect(ctx, target); err != nil {
		return result{c.name, false, err.Error()}
	}
	stream, err := h.NewStream(ctx, target.ID, protocolID)
	if err != nil {
		return result{c.name, false, err.Error()}
	}
	defer stream.Reset()
	_ = stream.SetDeadline(time.Now().Add(caseTimeout))
	if err := c.run(oap.NewClient(stream)); err != nil {
		return result{c.name, false, err.Error()}
	}
	return result{c.name, true, ""}
}
