package oap

import (
	"fmt"
	"io"
	"time"
)

// Client is the opener's side of one stream, as plain as tests need it: it writes frames and reads frames.
type Client struct {
	Stream
	in *Decoder
}

func NewClient(stream Stream) *Client { return &Client{Stream: stream, in: NewDecoder(stream)} }

// Send writes one frame.
func (c *Client) Send(f Frame) error {
	bytes, err := f.Encode(MaxFrame)
	if err != nil {
		return err
	}
	return c.SendRaw(bytes)
}

// SendRaw writes bytes that need not be a frame.
func (c *Client) SendRaw(bytes []byte) error {
	_, err := c.Write(bytes)
	return err
}

// Receive gives the next frame, io.EOF at the responder's FIN, or an error once the time is up.
func (c *Client) Receive(within time.Duration) (Frame, error) {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return Frame{}, err
	}
	return c.in.Next()
}

// Answer collects the frames of one call up to its last.
func (c *Client) Answer(corr uint64, within time.Duration) (Frame, []byte, error) {
	var body []byte
	for {
		f, err := c.Receive(within)
		switch {
		case err != nil:
			return f, body, err
		case f.Corr != corr || f.Kind() != RESP:
			return f, body, fmt.Errorf("unexpected frame with flags %#x for corr_id %s", f.Flags, Hex(f.Corr))
		case f.Code != 0 && (f.Code < 200 || f.Code > 299):
			return f, f.Payload, nil
		}
		body = append(body, f.Payload...)
		if f.Has(END) {
			return f, body, nil
		}
	}
}

// ExpectEnd waits for FIN or reset, whichever ends the stream.
func (c *Client) ExpectEnd(within time.Duration) error {
	f, err := c.Receive(within)
	if err == nil {
		return fmt.Errorf("a frame with code %d where the stream should have ended", f.Code)
	}
	if err != io.EOF {
		return err
	}
	return nil
}
