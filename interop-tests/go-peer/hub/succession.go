package hub

import (
	"context"
	"encoding/json"
	"errors"

	"go-peer/federation"
)

// succession keeps what a hub, or its operator's file, says of who goes on as whom. What is not of the chain of a hub on the
// allowlist is passed over before a signature is looked at.
func (h *Hub) succession(s federation.Succession) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range append(h.successions.Until(s.Hub), h.successions.Chain(s.Successor)...) {
		if _, allowed := h.allowed[id]; allowed {
			return h.successions.Learn(s)
		}
	}
	return "not_allowed"
}

// confirm puts a successor in the place of a hub on the allowlist, with what that one was granted, and ends its link;
// the refusal where it may not.
func (h *Hub) confirm(hub, successor string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	isAllowed := func(id string) bool { _, allowed := h.allowed[id]; return allowed }
	if refusal := h.successions.Confirm(isAllowed, hub, successor); refusal != "" {
		return refusal
	}
	h.allowed[successor] = h.allowed[hub]
	delete(h.allowed, hub)
	delete(h.news, hub)
	for id, l := range h.links {
		if l.hub == hub {
			delete(h.links, id)
			go func() { _ = l.conn.Close() }()
		}
	}
	return ""
}

// learns takes the successions in what another operator's hub prints as its keys.
func learns(_ context.Context, h *Hub, c command) (any, error) {
	var file struct{ Successions []json.RawMessage }
	if err := json.Unmarshal([]byte(c.Text), &file); err != nil {
		return nil, err
	}
	verdicts := []string{}
	for _, value := range file.Successions {
		s, ok := federation.SuccessionLine(string(value))
		if !ok {
			return nil, errors.New("no succession")
		}
		verdicts = append(verdicts, h.succession(s))
	}
	return map[string]any{"verdicts": verdicts}, nil
}

// succeeds is the operator's word that a hub goes on as another.
func succeeds(_ context.Context, h *Hub, c command) (any, error) {
	return map[string]string{"refusal": h.confirm(c.Hub, c.Successor)}, nil
}
