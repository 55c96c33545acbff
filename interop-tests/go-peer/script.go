package main

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"go-peer/oap"
)

const scriptTimeout = 20 * time.Second

// A script is what a hostile responder does with an echo call whose body is the script's name.
type script func(w *wire)

// wire writes raw answers to one call.
type wire struct {
	stream network.Stream
	call   oap.Frame
}

func (w *wire) raw(b ...byte) { _, _ = w.stream.Write(b) }

func (w *wire) frame(flags oap.Flags, code uint16, corr uint64, payload string) []byte {
	f := oap.Frame{Flags: flags, Code: code, App: w.call.App, Tenant: w.call.Tenant, Corr: corr, Payload: []byte(payload)}
	b, _ := f.Encode(oap.MaxFrame)
	return b
}

func (w *wire) send(flags oap.Flags, code uint16, corr uint64, payload string) {
	w.raw(w.frame(flags, code, corr, payload)...)
}

func (w *wire) good() { w.send(oap.RESP|oap.START|oap.END, 0, w.call.Corr, "good") }

// drops writes n frames that an opener has to drop and count, then a good answer.
func drops(n int, flags oap.Flags, sameCall bool) script {
	return func(w *wire) {
		corr := w.call.Corr + 1000
		if sameCall {
			corr = w.call.Corr
		}
		for range n {
			w.send(flags, 0, corr, "stray")
		}
		w.good()
	}
}

var scripts = map[string]script{
	"good":             (*wire).good,
	"length 0":         func(w *wire) { w.raw(0, 0, 0, 0) },
	"length 4 GiB - 1": func(w *wire) { w.raw(0xff, 0xff, 0xff, 0xff) },
	"version 2":        func(w *wire) { b := w.frame(oap.RESP|oap.END, 0, w.call.Corr, "x"); b[4] = 2; w.raw(b...) },
	"garbage":          func(w *wire) { w.raw(bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 64)...) },
	"fin":              func(w *wire) { _ = w.stream.CloseWrite() },
	"fin inside":       func(w *wire) { w.raw(0x21, 0, 0, 0, 1); _ = w.stream.CloseWrite() },
	"fin after start":  func(w *wire) { w.send(oap.RESP|oap.START, 0, w.call.Corr, "half"); _ = w.stream.CloseWrite() },
	"reset":            func(w *wire) { _ = w.stream.Reset() },
	"silence":          func(*wire) {},
	"stray answers":    drops(15, oap.RESP|oap.END, false),
	"too many strays":  drops(16, oap.RESP|oap.END, false),
	"requests":         drops(15, oap.REQ|oap.START|oap.END, true),
	"two kinds":        drops(15, oap.REQ|oap.RESP, true),
	"no kind":          drops(15, oap.START, true),
	"early events":     drops(15, oap.EVENT, true),
	"without START":    func(w *wire) { w.send(oap.RESP, 0, w.call.Corr, "go"); w.send(oap.RESP|oap.END, 0, w.call.Corr, "od") },
	"END alone":        func(w *wire) { w.send(oap.RESP|oap.END, 0, w.call.Corr, "good") },
	"code 204":         func(w *wire) { w.send(oap.RESP|oap.START|oap.END, 204, w.call.Corr, "good") },
	"unknown status": func(w *wire) {
		w.send(oap.RESP|oap.END, 599, w.call.Corr, `{"code":"odd","message":"m","retryable":false}`)
	},
	"error not JSON": func(w *wire) { w.send(oap.RESP|oap.END, 404, w.call.Corr, "not JSON at all") },
	"error empty":    func(w *wire) { w.send(oap.RESP|oap.END, 403, w.call.Corr, "") },
	"error in the old": func(w *wire) {
		w.send(oap.RESP|oap.END, 503, w.call.Corr, `{"error":"overload","retry_after_ms":1000}`)
	},
	"error in a body": func(w *wire) {
		w.send(oap.RESP|oap.START, 0, w.call.Corr, "half")
		w.send(oap.RESP|oap.END, 500, w.call.Corr, `{}`)
	},
	"a mebibyte": func(w *wire) {
		w.send(oap.RESP|oap.START|oap.END, 0, w.call.Corr, string(bytes.Repeat([]byte("m"), 1<<20-oap.MinLen)))
	},
	"byte by byte": func(w *wire) {
		for _, b := range w.frame(oap.RESP|oap.START|oap.END, 0, w.call.Corr, "good") {
			w.raw(b)
		}
	},
	"cap on an answer": capAnswer,
	"cap beyond":       capBeyond,
	"reserved flags": func(w *wire) {
		b := w.frame(oap.RESP|oap.START|oap.END, 0, w.call.Corr, "good")
		b[6] = 0xff
		w.raw(b...)
	},
	"zeros without end": endless,
}

// capAnswer sends a frame that fails step 5, then a good answer.
func capAnswer(w *wire) {
	b := w.frame(oap.RESP|oap.END, 0, w.call.Corr, "cap")
	binary.LittleEndian.PutUint16(b[27:], 3)
	w.raw(b...)
	w.good()
}

// capBeyond sends a frame that fails step 4, then a good answer.
func capBeyond(w *wire) {
	b := w.frame(oap.RESP|oap.START|oap.END, 0, w.call.Corr, "cap")
	binary.LittleEndian.PutUint16(b[27:], 9)
	w.raw(b...)
	w.good()
}

// endless never stops its answer; the reader has to.
func endless(w *wire) {
	zeros := string(make([]byte, oap.MaxChunk))
	w.send(oap.RESP|oap.START, 0, w.call.Corr, zeros)
	chunk := w.frame(oap.RESP, 0, w.call.Corr, zeros)
	for range (1 << 30) / oap.MaxChunk {
		if _, err := w.stream.Write(chunk); err != nil {
			return
		}
	}
}

// playScript answers HELLO as it should and every other call by its script.
func playScript(s network.Stream) {
	defer s.Reset()
	in := oap.NewClient(s)
	_ = s.SetWriteDeadline(time.Now().Add(scriptTimeout))
	for {
		f, err := in.Receive(scriptTimeout)
		if err != nil {
			return
		}
		w := &wire{stream: s, call: f}
		if f.App == 0 {
			w.send(oap.RESP|oap.END, 0, f.Corr, `{"version":1,"max_frame":1048576,"max_inflight":64}`)
			continue
		}
		request, err := oap.ParseRequest(f.Payload)
		if play, ok := scripts[string(request.Body)]; err == nil && ok {
			play(w)
		}
	}
}
