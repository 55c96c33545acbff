package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"go-peer/oap"
	"go-peer/storage"
)

// shelf is the blobs that this hub serves, and how often each was asked for.
type shelf struct {
	mu    sync.Mutex
	blobs map[string]served
	asked map[string]int
}

type served struct {
	blob *storage.Blob
	way  storage.Way
}

func newShelf() *shelf { return &shelf{blobs: map[string]served{}, asked: map[string]int{}} }

func (s *shelf) Blob(cid string) (*storage.Blob, storage.Way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.blobs[cid]
	return one.blob, one.way
}

func (s *shelf) Asked(cid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[cid]++
}

// keeps puts a sample on the shelf, to be served as it is or straying from a leaf on.
func keeps(_ context.Context, h *Hub, c command) (any, error) {
	blob, err := storage.NewBlob(storage.Sample(c.Text, c.Bytes))
	if err != nil {
		return nil, err
	}
	cid := blob.CID.String()
	h.shelf.mu.Lock()
	defer h.shelf.mu.Unlock()
	h.shelf.blobs[cid] = served{blob, storage.Way{Name: c.Way, Leaf: c.Leaf}}
	return map[string]string{"cid": cid}, nil
}

func wasAsked(_ context.Context, h *Hub, c command) (any, error) {
	h.shelf.mu.Lock()
	defer h.shelf.mu.Unlock()
	return map[string]int{"asked": h.shelf.asked[c.CID]}, nil
}

// fetches gets a whole blob over a link and proves it.
func fetches(_ context.Context, h *Hub, c command) (any, error) {
	root, err := storage.ReadCID(c.CID)
	if err != nil {
		return nil, err
	}
	body, v, err := h.over(c.Hub, storage.App, fmt.Appendf(nil, `{"op":"get","cid":%q}`, c.CID))
	if err != nil || v.Status != 0 {
		return v, err
	}
	answer, err := oap.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	plain, err := storage.Prove(root, answer.Body)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(plain)
	total, _ := answer.Header["total_len"].(int64)
	return map[string]any{"bytes": len(plain), "total_len": total, "digest": hex.EncodeToString(digest[:])}, nil
}

// asksHas gives the bits of a has, in hex.
func asksHas(_ context.Context, h *Hub, c command) (any, error) {
	request, err := json.Marshal(map[string]any{"op": "has", "cids": c.CIDs})
	if err != nil {
		return nil, err
	}
	body, v, err := h.over(c.Hub, storage.App, request)
	if err != nil || v.Status != 0 {
		return v, err
	}
	answer, err := oap.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	return map[string]string{"has": hex.EncodeToString(answer.Body)}, nil
}
