package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go-peer/oap"
)

// A frame that must be refused, and what section 4 says of the answer.
type malformed struct {
	name   string
	hex    string
	status uint16
	code   string
	corr   uint64
	closes bool
}

var malformedFrames = []malformed{
	{"length 0", "00000000", 400, "bad_frame", 0, true},
	{"length 32", "20000000", 400, "bad_frame", 0, true},
	{"length 1 MiB + 1", "01001000", 413, "frame_oversize", 0, true},
	{"length 4 GiB - 1", "ffffffff", 413, "frame_oversize", 0, true},
	{"version 2", "21000000020100000001000000000000000000000000000000000000000700000000000000", 400, "bad_version", 7, true},
	{"capability beyond the frame", "24000000010900000001000000000000000000000000000000000009000700000000000000636170", 400, "bad_frame", 7, false},
	{"capability without START", "24000000010100000001000000000000000000000000000000000003000700000000000000636170", 400, "bad_sequence", 7, false},
	{"data on an idle corr_id", "24000000010100000001000000000000000000000000000000000000000700000000000000636170", 400, "bad_sequence", 7, false},
	{"a payload of no form", "24000000011900000001000000000000000000000000000000000000000700000000000000636170", 400, "bad_payload", 7, false},
}

func hostileCases() []testCase {
	list := []testCase{
		{"hostile: sixteen stray answers reset the stream", "hostile", strays},
		{"hostile: FIN inside a frame resets the stream", "hostile", finInside},
		{"hostile: FIN before the body's end is 400", "hostile", finBeforeEnd},
		{"hostile: frames byte by byte are understood", "hostile", byteByByte},
	}
	for _, m := range malformedFrames {
		list = append(list, testCase{"hostile: " + m.name, "hostile", m.play})
	}
	return list
}

func (m malformed) play(c *oap.Client) error {
	bytes, err := hex.DecodeString(m.hex)
	if err != nil {
		return err
	}
	if err := c.SendRaw(bytes); err != nil {
		return err
	}
	if err := expectError(c, m.corr, m.status, m.code); err != nil {
		return err
	}
	if !m.closes {
		return echo(c)
	}
	if err := c.ExpectEnd(frameTimeout); err != nil && !isReset(err) {
		return err
	}
	return nil
}

func isReset(err error) bool { return strings.Contains(err.Error(), "reset") }

func strays(c *oap.Client) error {
	for n := range 16 {
		if err := c.Send(oap.Frame{Flags: oap.RESP | oap.END, App: oap.EchoApp, Corr: uint64(n)}); err != nil {
			return err
		}
	}
	return expectReset(c)
}

func finInside(c *oap.Client) error {
	if err := c.SendRaw([]byte{0x21, 0, 0, 0, 1}); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	return expectReset(c)
}

func expectReset(c *oap.Client) error {
	f, err := c.Receive(frameTimeout)
	switch {
	case err == nil:
		return fmt.Errorf("code %d where a reset should come", f.Code)
	case errors.Is(err, io.EOF):
		return errors.New("FIN where a reset should come")
	case !isReset(err):
		return err
	}
	return nil
}

func finBeforeEnd(c *oap.Client) error {
	start := oap.Frame{Flags: oap.REQ | oap.START, App: oap.EchoApp, Corr: 3, Payload: []byte(`{"op":"stream"}`)}
	if err := c.Send(start); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	for {
		f, err := c.Receive(frameTimeout)
		switch {
		case err != nil:
			return err
		case f.Code == 400 && f.Has(oap.RESP|oap.END):
			return c.ExpectEnd(frameTimeout)
		case f.Has(oap.END):
			return fmt.Errorf("code %d for a body that was cut off", f.Code)
		}
	}
}

func byteByByte(c *oap.Client) error {
	bytes, err := request(5, `{"op":"echo"}`, []byte("slow")).Encode(oap.MaxFrame)
	if err != nil {
		return err
	}
	for _, b := range bytes {
		if err := c.SendRaw([]byte{b}); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	_, got, err := c.Answer(5, frameTimeout)
	if err == nil && string(got) != "slow" {
		return fmt.Errorf("%q came back", got)
	}
	return err
}
