package oap

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

const initialCredit = 65536

func (s *session) control(f Frame) error {
	hello := f.Flags&kinds == 0
	if !hello && !f.Has(START) {
		if isEmptyEnd(f) {
			return nil
		}
		return s.fail(f, fail("bad_sequence", "control frames carry START"))
	}
	if f.Flags&(COMP|APPE2E) != 0 {
		return s.fail(f, fail("bad_payload", "control frames are clear"))
	}
	header := Object{}
	if len(f.Payload) > 0 {
		var err error
		if header, err = ParseObject(f.Payload); err != nil {
			return s.fail(f, asFailure(err))
		}
	}
	op, named := header["op"]
	if !named {
		return s.hello(f, header)
	}
	act, known := controls[text(op)]
	if !known {
		return s.fail(f, fail("unknown_operation", "no such control operation"))
	}
	if f.Corr == 0 {
		return s.fail(f, fail("bad_sequence", "corr_id 0 belongs to HELLO"))
	}
	if err := act(s, header); err != nil {
		return s.fail(f, asFailure(err))
	}
	return nil
}

func text(value any) string { s, _ := value.(string); return s }

var controls = map[string]func(*session, Object) error{"cancel": (*session).cancelCall, "credit": (*session).giveCredit}

func (s *session) hello(f Frame, header Object) error {
	if !s.link.takeHello(time.Now()) {
		return errors.New("too many HELLOs")
	}
	mostFrame, mostInflight := int64(MaxFrame), int64(maxInflight)
	frame, err := header.Integer("max_frame", leastMaxFrame, mostMaxNumber, &mostFrame)
	if err != nil {
		return s.fail(f, asFailure(err))
	}
	inflight, err := header.Integer("max_inflight", 1, mostMaxNumber, &mostInflight)
	if err != nil {
		return s.fail(f, asFailure(err))
	}
	if ua, there := header["ua"]; there {
		if s2, ok := ua.(string); !ok || len(s2) > 256 {
			return s.fail(f, fail("bad_request", "ua is no string of at most 256 bytes"))
		}
	}
	s.link.agree(frame, inflight)
	return s.write(Frame{Flags: RESP | END, Tenant: f.Tenant, Corr: f.Corr, Payload: s.greeting()})
}

func (s *session) greeting() []byte {
	frame, inflight := s.link.Limits()
	apps := []int{0}
	for _, app := range slices.Sorted(maps.Keys(s.services)) {
		apps = append(apps, int(app))
	}
	answer, err := json.Marshal(map[string]any{
		"version": 1, "server_version": "go-peer/1", "max_frame": frame, "max_inflight": inflight,
		"supported_flags": []string{"EVENT", "ACK_REQ", "COMP", "APP_E2E"}, "flags_supported": int(defined),
		"oap_versions": []int{1}, "versions": []int{1}, "transports": []string{"libp2p"}, "pq": false,
		"revocation_seq": 0, "apps": apps,
	})
	if err != nil {
		panic(err)
	}
	return answer
}

// named gives the open call that a control frame means, nil where there is none.
func (s *session) named(header Object) (uint64, *call, error) {
	digits := text(header["corr"])
	corr, err := strconv.ParseUint(digits, 16, 64)
	if err != nil || Hex(corr) != digits {
		return 0, nil, fail("bad_request", "corr is missing or not 16 lower-case hex digits")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[corr]; e != nil {
		return corr, e.call, nil
	}
	return corr, nil, nil
}

func (s *session) cancelCall(header Object) error {
	corr, _, err := s.named(header)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(corr)
	return nil
}

func (s *session) giveCredit(header Object) error {
	_, c, err := s.named(header)
	if err != nil {
		return err
	}
	upTo, err := header.Integer("up_to", 0, maxInteger, nil)
	if err != nil {
		return err
	}
	amount, err := header.Integer("credit", 0, maxInteger, nil)
	if err != nil || c == nil || c.credit == nil {
		return err
	}
	if !c.credit.grant(upTo, amount) {
		c.end(fail("credit_violation", "the credit went backwards or beyond what was sent"))
	}
	return nil
}

// credit is how many event bytes the opener is ready to have outstanding.
type credit struct {
	mu          sync.Mutex
	upTo        int64
	outstanding []int
	bytes       int64
	amount      int64
	changed     chan struct{}
}

func newCredit(header Object) (*credit, error) {
	usual := int64(initialCredit)
	amount, err := header.Integer("credit", 0, maxInteger, &usual)
	return &credit{amount: amount, changed: make(chan struct{}, 1)}, err
}

func (c *credit) grant(upTo, amount int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := upTo - c.upTo
	if done < 0 || done > int64(len(c.outstanding)) {
		return false
	}
	for _, n := range c.outstanding[:done] {
		c.bytes -= int64(n)
	}
	c.outstanding, c.upTo, c.amount = c.outstanding[done:], upTo, amount
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return true
}

func (c *credit) take(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes+int64(n) > c.amount && (len(c.outstanding) > 0 || c.amount == 0) {
		return false
	}
	c.outstanding = append(c.outstanding, n)
	c.bytes += int64(n)
	return true
}

func (c *call) Event(ctx context.Context, payload []byte) error {
	for c.credit != nil && !c.credit.take(len(payload)) {
		select {
		case <-c.credit.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return c.send(Frame{Flags: EVENT, Payload: payload})
}
