package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ipfs/boxo/gateway"
	"github.com/ipfs/boxo/routing/http/client"
	"github.com/ipfs/boxo/routing/http/types"
	"github.com/ipfs/go-cid"
)

// Reads a file, or a range of it, through a gateway that reads files out of blocks or CARs of the trustless one at URL.
func fetch(ctx context.Context, args []string) (file, error) {
	if len(args) != 3 && len(args) != 4 {
		return file{}, errors.New("fetch blocks|car URL CID [RANGE]")
	}
	backend, err := backendOf(args[0], args[1])
	if err != nil {
		return file{}, err
	}
	handler := gateway.NewHandler(gateway.Config{DeserializedResponses: true}, backend)
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/ipfs/"+args[2], nil)
	if len(args) == 4 {
		request.Header.Set("Range", args[3])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	response := recorder.Result()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusPartialContent {
		return file{}, fmt.Errorf("%s: %s", response.Status, recorder.Body.String())
	}
	return read(args[2], response.Body)
}

func backendOf(kind, url string) (gateway.IPFSBackend, error) {
	urls := []string{url}
	switch kind {
	case "blocks":
		return gateway.NewRemoteBlocksBackend(urls, nil)
	case "car":
		return gateway.NewRemoteCarBackend(urls, nil)
	default:
		return nil, fmt.Errorf("%s: blocks or car", kind)
	}
}

// Who has a content id, as the router at URL says.
func providers(ctx context.Context, args []string) (any, error) {
	if len(args) != 2 {
		return nil, errors.New("providers URL CID")
	}
	id, err := cid.Decode(args[1])
	if err != nil {
		return nil, err
	}
	router, err := client.New(args[0], client.WithStreamResultsRequired(), client.WithProtocolFilter([]string{"transport-ipfs-gateway-http"}))
	if err != nil {
		return nil, err
	}
	found, err := router.FindProviders(ctx, id)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	records := []*types.PeerRecord{}
	for found.Next() {
		result := found.Val()
		if result.Err != nil {
			return nil, result.Err
		}
		if record, ok := result.Val.(*types.PeerRecord); ok {
			records = append(records, record)
		}
	}
	return map[string]any{"providers": records}, nil
}
