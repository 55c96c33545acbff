// Package oap speaks OAP/1 as specs/oap-1.md describes it, and nothing else of this repository.
package oap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	HeaderBytes = 37
	MinLen      = 33
	MaxFrame    = 1 << 20
	MaxChunk    = 65536
	Version     = 1
)

type Flags uint16

const (
	REQ Flags = 1 << iota
	RESP
	EVENT
	START
	END
	ACKREQ
	COMP
	APPE2E

	defined = REQ | RESP | EVENT | START | END | ACKREQ | COMP | APPE2E
	kinds   = REQ | RESP | EVENT
)

// Tenant holds its 16 bytes in wire order: those of the printed UUID backwards.
type Tenant [16]byte

type Frame struct {
	Flags   Flags
	Code    uint16
	App     uint16
	Tenant  Tenant
	Corr    uint64
	Cap     []byte
	Payload []byte
}

func (f Frame) Has(flags Flags) bool { return f.Flags&flags == flags }

// Kind is REQ, RESP or EVENT, or 0 where none or more than one is set.
func (f Frame) Kind() Flags {
	switch k := f.Flags & kinds; k {
	case REQ, RESP, EVENT:
		return k
	}
	return 0
}

// Encode refuses what a decoder would refuse.
func (f Frame) Encode(maxFrame uint32) ([]byte, error) {
	n := MinLen + len(f.Cap) + len(f.Payload)
	switch {
	case n > int(maxFrame):
		return nil, fmt.Errorf("frame of length %d is longer than max_frame %d", n, maxFrame)
	case len(f.Cap) > 0xffff:
		return nil, errors.New("capability is longer than 65535 bytes")
	case len(f.Cap) > 0 && !f.Has(START):
		return nil, errors.New("capability without START")
	}
	return f.raw(), nil
}

func (f Frame) raw() []byte {
	n := MinLen + len(f.Cap) + len(f.Payload)
	b := make([]byte, HeaderBytes, 4+n)
	binary.LittleEndian.PutUint32(b, uint32(n))
	b[4] = Version
	binary.LittleEndian.PutUint16(b[5:], uint16(f.Flags))
	binary.LittleEndian.PutUint16(b[7:], f.Code)
	binary.LittleEndian.PutUint16(b[9:], f.App)
	copy(b[11:], f.Tenant[:])
	binary.LittleEndian.PutUint16(b[27:], uint16(len(f.Cap)))
	binary.LittleEndian.PutUint64(b[29:], f.Corr)
	return append(append(b, f.Cap...), f.Payload...)
}

// Refusal is a frame that section 4 refuses, with what the answer has to name.
type Refusal struct {
	Reason string
	App    uint16
	Corr   uint64
	Tenant Tenant
	// Closes tells that nothing after this frame can be understood.
	Closes bool
}

func (r *Refusal) Error() string { return r.Reason }

// Decoder reads frames off a stream and judges each byte as soon as it can be judged.
type Decoder struct {
	MaxFrame uint32
	in       *bufio.Reader
	skip     int64
	corr     uint64
}

func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{MaxFrame: MaxFrame, in: bufio.NewReaderSize(r, 64<<10)}
}

// Await returns once the first byte of the next frame is there; io.EOF is a clean end.
func (d *Decoder) Await() error {
	d.corr = 0
	if d.skip == 0 {
		_, err := d.in.Peek(1)
		return err
	}
	return nil
}

// Skipping tells that the rest of a refused frame is still to come.
func (d *Decoder) Skipping() bool { return d.skip > 0 }

// Corr is that of the frame under way once its header is there, else 0.
func (d *Decoder) Corr() uint64 { return d.corr }

// Next gives a frame, a *Refusal, io.EOF between frames or io.ErrUnexpectedEOF within one.
func (d *Decoder) Next() (Frame, error) {
	if err := d.discard(); err != nil {
		return Frame{}, err
	}
	var h [HeaderBytes]byte
	if _, err := io.ReadFull(d.in, h[:4]); err != nil {
		return Frame{}, err
	}
	n := binary.LittleEndian.Uint32(h[:])
	if n < MinLen {
		return Frame{}, &Refusal{Reason: "bad_frame", Closes: true}
	}
	if n > d.MaxFrame {
		return Frame{}, &Refusal{Reason: "frame_oversize", Closes: true}
	}
	if _, err := io.ReadFull(d.in, h[4:]); err != nil {
		return Frame{}, inside(err)
	}
	f, capLen := header(h)
	d.corr = f.Corr
	if h[4] != Version {
		return f, &Refusal{Reason: "bad_version", Corr: f.Corr, Closes: true}
	}
	reason := ""
	if uint32(capLen) > n-MinLen {
		reason = "bad_frame"
	} else if capLen > 0 && !f.Has(START) {
		reason = "bad_sequence"
	}
	if reason != "" {
		d.skip = int64(n - MinLen)
		return f, &Refusal{Reason: reason, App: f.App, Corr: f.Corr, Tenant: f.Tenant}
	}
	var rest bytes.Buffer
	if _, err := io.CopyN(&rest, d.in, int64(n-MinLen)); err != nil {
		return f, inside(err)
	}
	f.Cap, f.Payload = rest.Bytes()[:capLen], rest.Bytes()[capLen:]
	return f, nil
}

func (d *Decoder) discard() error {
	n, err := io.CopyN(io.Discard, d.in, d.skip)
	d.skip -= n
	return inside(err)
}

func header(h [HeaderBytes]byte) (Frame, uint16) {
	f := Frame{
		Flags: Flags(binary.LittleEndian.Uint16(h[5:])) & defined,
		Code:  binary.LittleEndian.Uint16(h[7:]),
		App:   binary.LittleEndian.Uint16(h[9:]),
		Corr:  binary.LittleEndian.Uint64(h[29:]),
	}
	copy(f.Tenant[:], h[11:27])
	return f, binary.LittleEndian.Uint16(h[27:])
}

func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
