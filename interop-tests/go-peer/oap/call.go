package oap

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Operation is a row of a service table.
type Operation struct {
	TakesBody bool
	// BodyInRecord tells that the START record may hold a body although none is streamed.
	BodyInRecord bool
	Check        func(Object) error
	// Guard judges whether the caller may do it, by the token of the START frame and the header; nil where everybody may.
	Guard func(token []byte, header Object) error
	Run   func(ctx context.Context, c Caller) error
}

// Service maps the names of its operations to their rows.
type Service map[string]Operation

// Caller is what a handler sees of a call: its request, its body and its answer.
type Caller interface {
	Header() Object
	// Sealed tells that the body is between applications and must come back as it came.
	Sealed() bool
	// Next gives the next bytes of the body, nil after the last.
	Next(ctx context.Context) ([]byte, error)
	// Head begins an answer with a record that has no body yet, under a status.
	Head(status uint16, record []byte) error
	// Answer sends bytes of the answer and waits until the stream has taken them.
	Answer(bytes []byte, last bool) error
	// Event sends one event once credit allows it.
	Event(ctx context.Context, payload []byte) error
}

type call struct {
	s         *session
	request   Request
	start     Frame
	ctx       context.Context
	cancel    context.CancelFunc
	body      chan []byte
	bodyEnded atomic.Bool
	sealed    bool
	inflation Inflation
	answered  bool
	deadline  time.Duration
	credit    *credit
}

func (s *session) start(f Frame) error {
	c, op, failure := s.judge(f)
	if failure != nil {
		s.mu.Lock()
		if !f.Has(END) && (op == nil || op.TakesBody) {
			s.drain(f.Corr)
		}
		s.mu.Unlock()
		return s.fail(f, failure)
	}
	first, err := c.inflated(f, c.request.Body)
	if err != nil {
		s.mu.Lock()
		if !f.Has(END) && op.TakesBody {
			s.drain(f.Corr)
		}
		s.mu.Unlock()
		return s.fail(f, asFailure(err))
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	s.entries[f.Corr] = &entry{call: c}
	s.openCalls(1)
	s.mu.Unlock()
	s.calls.Add(1)
	c.arm()
	go c.run(op, first)
	return nil
}

// judge goes through section 12.2 up to the body; it gives the row as soon as that is known.
func (s *session) judge(f Frame) (*call, *Operation, *Failure) {
	s.mu.Lock()
	open := s.open
	s.mu.Unlock()
	if _, most := s.link.Limits(); open >= most {
		return nil, nil, fail("saturated", "too many calls are in flight")
	}
	service, ok := s.services[f.App]
	if !ok {
		return nil, nil, fail("unknown_app", "no such app_proto_id here")
	}
	request, err := ParseRequest(f.Payload)
	if err != nil {
		return nil, nil, asFailure(err)
	}
	if !request.Record && f.Flags&(COMP|APPE2E) != 0 {
		return nil, nil, fail("bad_payload", "COMP and APP_E2E need a record")
	}
	name, ok := request.Header["op"].(string)
	if !ok {
		failure := fail("unknown_operation", "the request names no operation")
		failure.Status = 400
		return nil, nil, failure
	}
	op, ok := service[name]
	if !ok {
		return nil, nil, fail("unknown_operation", "this service has no such operation")
	}
	c := &call{s: s, request: request, start: f, sealed: f.Has(APPE2E)}
	if err := c.check(&op); err != nil {
		return nil, &op, asFailure(err)
	}
	if op.TakesBody {
		c.body = make(chan []byte, bodyChunksWaiting)
		c.bodyEnded.Store(f.Has(END))
	}
	return c, &op, nil
}

func (c *call) check(op *Operation) error {
	header := c.request.Header
	never := int64(0)
	deadline, err := header.Integer("deadline_ms", 1, mostMaxNumber, &never)
	if err != nil {
		return err
	}
	if op.Check != nil {
		if err := op.Check(header); err != nil {
			return err
		}
	}
	if c.start.Has(ACKREQ) {
		if c.credit, err = newCredit(header); err != nil {
			return err
		}
	}
	if len(c.request.Body) > 0 && !op.TakesBody && !op.BodyInRecord {
		return fail("bad_request", "this operation takes no body")
	}
	if op.Guard != nil {
		if err := op.Guard(c.start.Cap, c.request.Header); err != nil {
			return err
		}
	}
	c.deadline = time.Duration(deadline) * time.Millisecond
	return nil
}

// arm starts the deadline of the call, if it has one.
func (c *call) arm() {
	if c.deadline == 0 {
		return
	}
	timer := time.AfterFunc(c.deadline, func() { c.end(fail("deadline", "the deadline passed")) })
	context.AfterFunc(c.ctx, func() { timer.Stop() })
}

func (c *call) run(op *Operation, first []byte) {
	defer c.s.calls.Done()
	defer c.cancel()
	c.request.Body = first
	if err := op.Run(c.ctx, c); err != nil && c.ctx.Err() == nil {
		c.end(err)
	}
}

// receiving tells that the operation takes a body whose end has not come.
func (c *call) receiving() bool { return c.body != nil && !c.bodyEnded.Load() }

func (c *call) Header() Object { return c.request.Header }
func (c *call) Sealed() bool   { return c.sealed }

func (c *call) Next(ctx context.Context) ([]byte, error) {
	if first := c.request.Body; len(first) > 0 {
		c.request.Body = nil
		return first, nil
	}
	if c.body == nil || c.start.Has(END) {
		return nil, nil
	}
	select {
	case bytes := <-c.body:
		return bytes, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// feed hands body bytes to the handler and waits while it has too many; the session then reads nothing.
func (c *call) feed(bytes []byte, last bool) {
	c.bodyEnded.Store(last)
	if len(bytes) > 0 {
		c.hand(bytes)
	}
	if last {
		c.hand(nil)
	}
}

func (c *call) hand(bytes []byte) {
	select {
	case c.body <- bytes:
	case <-c.ctx.Done():
	}
}

func (c *call) inflated(f Frame, body []byte) ([]byte, error) {
	if !f.Has(COMP) || c.sealed {
		return body, nil
	}
	return c.inflation.Inflate(body)
}

func (c *call) Answer(bytes []byte, last bool) error {
	most, _ := c.s.link.Limits()
	chunk := min(MaxChunk, int(most)-MinLen)
	for {
		n := min(chunk, len(bytes))
		ends := last && n == len(bytes)
		if err := c.respond(0, bytes[:n], ends); err != nil {
			return err
		}
		if bytes = bytes[n:]; len(bytes) == 0 {
			return nil
		}
	}
}

func (c *call) Head(status uint16, record []byte) error { return c.respond(status, record, false) }

var errOver = errors.New("the call is over")

func (c *call) respond(status uint16, payload []byte, last bool) error {
	flags := RESP
	if !c.answered {
		flags |= START
	}
	if last {
		flags |= END
	}
	if c.sealed {
		flags |= APPE2E | c.start.Flags&COMP
	}
	return c.send(Frame{Flags: flags, Code: status, Payload: payload})
}

// end gives the call its error, unless it has ended already.
func (c *call) end(err error) {
	failure := asFailure(err)
	_ = c.send(Frame{Flags: RESP | END, Code: failure.Status, Payload: failure.payload(c.start.Corr)})
}

// send writes a frame of a call that is still open; nothing leaves after its last or its cancel.
func (c *call) send(f Frame) error {
	s := c.s
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	e := s.entries[c.start.Corr]
	if e == nil || e.call != c {
		s.mu.Unlock()
		return errOver
	}
	c.answered = true
	if f.Has(END) {
		s.forget(c.start.Corr)
		if c.receiving() {
			s.drain(c.start.Corr)
		}
	}
	s.mu.Unlock()
	f.App, f.Tenant, f.Corr = c.start.App, c.start.Tenant, c.start.Corr
	return s.writeLocked(f)
}

func asFailure(err error) *Failure {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure
	}
	return fail("internal", "the peer failed")
}
