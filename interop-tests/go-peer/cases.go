package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go-peer/oap"
)

const (
	caseTimeout  = 30 * time.Second
	frameTimeout = 10 * time.Second
	streamed     = 8 << 20
)

type testCase struct {
	name  string
	group string
	run   func(*oap.Client) error
}

var cases = append([]testCase{
	{"hello", "hello", hello},
	{"hello without flags", "hello", helloWithoutFlags},
	{"echo", "echo", echo},
	{"echo of one mebibyte in chunks", "echo", echoInChunks},
	{"stream of 8 MiB", "stream8m", stream8m},
	{"slow reader makes the node wait", "slowreader", slowReader},
	{"unknown operation", "error", unknownOperation},
	{"unknown app", "error", unknownApp},
}, hostileCases()...)

func casesNamed(group string) []testCase {
	return slices.DeleteFunc(slices.Clone(cases), func(c testCase) bool { return group != "all" && c.group != group })
}

func hello(c *oap.Client) error {
	return helloWith(c, oap.Frame{Flags: oap.REQ | oap.START | oap.END, Corr: 1, Payload: []byte(`{"ua":"go-peer/1"}`)})
}

func helloWithoutFlags(c *oap.Client) error { return helloWith(c, oap.Frame{}) }

func helloWith(c *oap.Client, request oap.Frame) error {
	if err := c.Send(request); err != nil {
		return err
	}
	f, body, err := c.Answer(request.Corr, frameTimeout)
	if err != nil {
		return err
	}
	answer, err := oap.ParseObject(body)
	if err != nil {
		return err
	}
	if f.Code != 0 || answer["max_frame"] != int64(1<<20) || answer["max_inflight"] == nil {
		return fmt.Errorf("HELLO answered %d %s", f.Code, body)
	}
	return nil
}

func request(corr uint64, header string, body []byte) oap.Frame {
	return oap.Frame{Flags: oap.REQ | oap.START | oap.END, App: oap.EchoApp, Corr: corr, Payload: oap.Record(header, body)}
}

func echo(c *oap.Client) error { return echoOf(c, []byte("hi from Go")) }

func echoInChunks(c *oap.Client) error {
	return echoOf(c, random(1<<20-oap.MinLen-3-len(`{"op":"echo"}`)))
}

func echoOf(c *oap.Client, sent []byte) error {
	const corr = 0xfedcba9876543210
	if err := c.Send(request(corr, `{"op":"echo"}`, sent)); err != nil {
		return err
	}
	f, got, err := c.Answer(corr, frameTimeout)
	if err == nil && (f.Code != 0 || !bytes.Equal(got, sent)) {
		return fmt.Errorf("echo of %d bytes came back with code %d and %d bytes", len(sent), f.Code, len(got))
	}
	return err
}

func random(n int) []byte {
	source := rand.NewChaCha8([32]byte{7})
	b := make([]byte, n)
	_, _ = source.Read(b)
	return b
}

// stream8m writes and reads at the same time and compares every byte.
func stream8m(c *oap.Client) error {
	sent := random(streamed)
	written := make(chan error, 1)
	go func() { written <- sendBody(c, sent) }()
	_, got, err := c.Answer(1, frameTimeout)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d bytes came back, not those %d that were sent", len(got), len(sent))
	}
	return <-written
}

func sendBody(c *oap.Client, body []byte) error {
	start := oap.Frame{Flags: oap.REQ | oap.START, App: oap.EchoApp, Corr: 1, Payload: []byte(`{"op":"stream"}`)}
	if err := c.Send(start); err != nil {
		return err
	}
	for chunk := range slices.Chunk(body, 50_000) {
		if err := c.Send(oap.Frame{Flags: oap.REQ, App: oap.EchoApp, Corr: 1, Payload: chunk}); err != nil {
			return err
		}
	}
	return c.Send(oap.Frame{Flags: oap.REQ | oap.END, App: oap.EchoApp, Corr: 1})
}

const (
	slowBody  = 64 << 20
	blockedIn = 2 * time.Second
	mostTaken = 32 << 20
)

// slowReader writes without reading until the node takes no more, then reads everything.
func slowReader(c *oap.Client) error {
	body := random(slowBody)
	var taken int
	progress, done := make(chan int), make(chan error, 1)
	go func() {
		defer close(progress)
		done <- sendCounted(c, body, progress)
	}()
	for waiting := true; waiting; {
		select {
		case n, more := <-progress:
			if !more {
				return fmt.Errorf("the node took all %d bytes while nobody read its answer", slowBody)
			}
			taken = n
		case <-time.After(blockedIn):
			waiting = false
		}
	}
	if taken > mostTaken {
		return fmt.Errorf("the node took %d bytes while nobody read its answer", taken)
	}
	go func() {
		for range progress {
		}
	}()
	_, got, err := c.Answer(1, frameTimeout)
	if err == nil && !bytes.Equal(got, body) {
		err = fmt.Errorf("%d bytes came back, not those %d that were sent", len(got), len(body))
	}
	if err != nil {
		return err
	}
	return <-done
}

func sendCounted(c *oap.Client, body []byte, progress chan<- int) error {
	start := oap.Frame{Flags: oap.REQ | oap.START, App: oap.EchoApp, Corr: 1, Payload: []byte(`{"op":"stream"}`)}
	if err := c.Send(start); err != nil {
		return err
	}
	sent := 0
	for chunk := range slices.Chunk(body, oap.MaxChunk) {
		if err := c.Send(oap.Frame{Flags: oap.REQ, App: oap.EchoApp, Corr: 1, Payload: chunk}); err != nil {
			return err
		}
		sent += len(chunk)
		progress <- sent
	}
	return c.Send(oap.Frame{Flags: oap.REQ | oap.END, App: oap.EchoApp, Corr: 1})
}

func unknownOperation(c *oap.Client) error {
	if err := c.Send(request(7, `{"op":"no_such_operation"}`, nil)); err != nil {
		return err
	}
	return expectError(c, 7, 404, "unknown_operation")
}

func unknownApp(c *oap.Client) error {
	f := request(8, `{"op":"echo"}`, nil)
	f.App = 0xfffe
	if err := c.Send(f); err != nil {
		return err
	}
	return expectError(c, 8, 404, "unknown_app")
}

// expectError checks the members that section 9.1 asks for.
func expectError(c *oap.Client, corr uint64, status uint16, code string) error {
	f, err := c.Receive(frameTimeout)
	if err != nil {
		return err
	}
	var answer struct {
		Code      string
		Message   *string
		Retryable *bool
		Corr      string `json:"corr_id"`
	}
	if err := json.Unmarshal(f.Payload, &answer); err != nil {
		return err
	}
	complete := answer.Message != nil && answer.Retryable != nil && answer.Corr == oap.Hex(corr)
	if f.Flags != oap.RESP|oap.END || f.Code != status || f.Corr != corr || answer.Code != code || !complete {
		return fmt.Errorf("flags %#x, code %d, corr_id %s: %s", f.Flags, f.Code, oap.Hex(f.Corr), f.Payload)
	}
	return nil
}
