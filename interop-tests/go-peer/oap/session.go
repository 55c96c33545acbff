package oap

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	firstFrame        = 5 * time.Second
	wholeFrame        = 15 * time.Second
	idle              = 60 * time.Second
	stalledWrite      = 60 * time.Second
	draining          = 15 * time.Second
	dropsUntilReset   = 16
	bodyChunksWaiting = 4
)

// Stream is what a session needs of a libp2p stream.
type Stream interface {
	io.ReadWriter
	CloseRead() error
	CloseWrite() error
	Reset() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

type entry struct {
	call  *call // nil while draining
	timer *time.Timer
}

// session is the responder's side of one stream.
type session struct {
	stream   Stream
	link     *Link
	services map[uint16]Service
	in       *Decoder
	dropped  int
	ended    atomic.Bool

	writing sync.Mutex

	mu      sync.Mutex
	entries map[uint64]*entry
	drained []uint64
	open    int
	idle    *time.Timer
	calls   sync.WaitGroup
}

// Serve answers on one stream until either side ends it.
func Serve(stream Stream, link *Link, services map[uint16]Service) {
	s := &session{stream: stream, link: link, services: services, in: NewDecoder(stream), entries: map[uint64]*entry{}}
	s.idle = time.AfterFunc(idle, s.endIdle)
	defer s.idle.Stop()
	switch err := s.run(); {
	case err == nil:
		s.endBodies()
		s.calls.Wait()
		_ = stream.CloseWrite()
	case errors.Is(err, errClosed) || s.ended.Load():
		s.cancelAll()
	default:
		_ = stream.Reset()
		s.cancelAll()
	}
}

var errClosed = errors.New("the session is closed")

func (s *session) run() error {
	var never time.Time
	for deadline := time.Now().Add(firstFrame); ; deadline = never {
		_ = s.stream.SetReadDeadline(deadline)
		if err := s.in.Await(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return s.late(err)
		}
		if deadline.IsZero() {
			_ = s.stream.SetReadDeadline(time.Now().Add(wholeFrame))
		}
		s.in.MaxFrame, _ = s.link.Limits()
		f, err := s.in.Next()
		var refused *Refusal
		switch {
		case errors.As(err, &refused):
			err = s.refuse(refused)
		case err != nil:
			return s.late(err)
		default:
			err = s.take(f)
		}
		if err != nil {
			return err
		}
	}
}

// late answers a frame that took too long and passes on every other error.
func (s *session) late(err error) error {
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return err
	}
	return s.closeWith("slow_peer", s.in.Corr())
}

func (s *session) refuse(r *Refusal) error {
	if r.Closes {
		return s.closeWith(r.Reason, r.Corr)
	}
	s.mu.Lock()
	if e := s.entries[r.Corr]; e != nil && e.call != nil {
		r.Tenant = e.call.start.Tenant
		receiving := e.call.receiving()
		s.forget(r.Corr)
		if receiving {
			s.drain(r.Corr)
		}
	}
	s.mu.Unlock()
	return s.fail(Frame{App: r.App, Tenant: r.Tenant, Corr: r.Corr}, fail(r.Reason, "the frame is refused"))
}

func (s *session) closeWith(reason string, corr uint64) error {
	s.cancelAll()
	_ = s.fail(Frame{Corr: corr}, fail(reason, "the stream cannot go on"))
	s.close()
	return errClosed
}

func (s *session) endIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == 0 {
		s.close()
	}
}

func (s *session) close() {
	s.ended.Store(true)
	_ = s.stream.CloseWrite()
	_ = s.stream.CloseRead()
}

func (s *session) take(f Frame) error {
	hello := f.App == 0 && f.Flags&(kinds|START|END) == 0
	if f.Kind() != REQ && !hello {
		if s.dropped++; s.dropped == dropsUntilReset {
			return errors.New("too many frames of the wrong kind")
		}
		return nil
	}
	if f.App == 0 {
		return s.control(f)
	}
	if f.Corr == 0 {
		return s.fail(f, fail("bad_sequence", "corr_id 0 belongs to HELLO"))
	}
	s.mu.Lock()
	e := s.entries[f.Corr]
	s.mu.Unlock()
	switch {
	case e == nil:
		return s.inIdle(f)
	case e.call == nil:
		return s.inDraining(f)
	default:
		return s.inCall(f, e.call)
	}
}

func isEmptyEnd(f Frame) bool { return f.Has(END) && !f.Has(START) && len(f.Payload) == 0 }

func (s *session) inIdle(f Frame) error {
	switch {
	case f.Has(START):
		return s.start(f)
	case isEmptyEnd(f):
		return nil
	}
	return s.outOfSequence(f)
}

func (s *session) inDraining(f Frame) error {
	if f.Has(END) {
		s.mu.Lock()
		s.forget(f.Corr)
		s.mu.Unlock()
	}
	if f.Has(START) {
		return s.fail(f, fail("bad_sequence", "START on a call that is draining"))
	}
	return nil
}

func (s *session) inCall(f Frame, c *call) error {
	receiving := c.receiving()
	switch {
	case !receiving && isEmptyEnd(f):
		return nil
	case f.Has(START) || !receiving:
		return s.outOfSequence(f)
	}
	body, err := c.inflated(f, f.Payload)
	if err != nil {
		c.end(err)
		if f.Has(END) {
			return s.inDraining(Frame{Flags: END, Corr: f.Corr})
		}
		return nil
	}
	c.feed(body, f.Has(END))
	return nil
}

// outOfSequence ends the call, if one is open, with a 400; what its opener still sends is drained.
func (s *session) outOfSequence(f Frame) error {
	s.mu.Lock()
	if e := s.entries[f.Corr]; e != nil && e.call != nil {
		f.Tenant = e.call.start.Tenant
	}
	s.forget(f.Corr)
	if !f.Has(END) {
		s.drain(f.Corr)
	}
	s.mu.Unlock()
	return s.fail(f, fail("bad_sequence", "the frame does not fit the state of its call"))
}

// forget makes a corr_id idle. The caller holds mu.
func (s *session) forget(corr uint64) {
	e := s.entries[corr]
	if e == nil {
		return
	}
	delete(s.entries, corr)
	if e.timer != nil {
		e.timer.Stop()
	}
	if e.call != nil {
		e.call.cancel()
		s.openCalls(-1)
	}
}

// drain remembers a corr_id whose answer has ended before its request. The caller holds mu.
func (s *session) drain(corr uint64) {
	e := &entry{}
	e.timer = time.AfterFunc(draining, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.entries[corr] == e {
			delete(s.entries, corr)
		}
	})
	s.entries[corr] = e
	s.drained = append(s.drained, corr)
	if _, most := s.link.Limits(); len(s.drained) > most {
		if old := s.entries[s.drained[0]]; old != nil && old.call == nil && old != e {
			s.forget(s.drained[0])
		}
		s.drained = s.drained[1:]
	}
}

func (s *session) openCalls(change int) {
	s.open += change
	if s.open == 0 {
		s.idle.Reset(idle)
	} else {
		s.idle.Stop()
	}
}

func (s *session) cancelAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for corr := range s.entries {
		s.forget(corr)
	}
}

// endBodies refuses the calls whose body FIN cut off.
func (s *session) endBodies() {
	s.mu.Lock()
	var cut []*call
	for _, e := range s.entries {
		if c := e.call; c != nil && c.receiving() {
			cut = append(cut, c)
		}
	}
	s.mu.Unlock()
	for _, c := range cut {
		c.end(fail("bad_sequence", "the stream ended before the body did"))
	}
}

func (s *session) fail(f Frame, failure *Failure) error {
	return s.write(Frame{Flags: RESP | END, Code: failure.Status, App: f.App, Tenant: f.Tenant, Corr: f.Corr, Payload: failure.payload(f.Corr)})
}

func (s *session) write(f Frame) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.writeLocked(f)
}

func (s *session) writeLocked(f Frame) error {
	most, _ := s.link.Limits()
	bytes, err := f.Encode(most)
	if err != nil {
		return err
	}
	_ = s.stream.SetWriteDeadline(time.Now().Add(stalledWrite))
	if _, err = s.stream.Write(bytes); err != nil {
		_ = s.stream.Reset()
	}
	return err
}
