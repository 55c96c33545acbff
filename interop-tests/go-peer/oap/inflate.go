package oap

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	maxRatio    = 10
	maxInflated = 8 << 20
	maxWindow   = 8 << 20
)

// Inflation counts what the frames with COMP of one call have brought and become.
type Inflation struct{ in, out int }

// Inflate gives the bytes of exactly one zstd frame, or bad_payload, ratio_cap or decompress_cap.
func (i *Inflation) Inflate(data []byte) ([]byte, error) {
	if !oneZstdFrame(data) {
		return nil, fail("bad_payload", "not exactly one zstd frame")
	}
	i.in += len(data)
	d, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fail("bad_payload", "not a zstd frame")
	}
	defer d.Close()
	var out bytes.Buffer
	for chunk := make([]byte, 4096); ; {
		n, err := d.Read(chunk)
		out.Write(chunk[:n])
		i.out += n
		switch {
		case i.out > maxRatio*i.in:
			return nil, fail("ratio_cap", "the body inflates to more than 10 times its size")
		case i.out > maxInflated:
			return nil, fail("decompress_cap", "the body inflates to more than 8 MiB")
		case errors.Is(err, io.EOF):
			return out.Bytes(), nil
		case err != nil:
			return nil, fail("bad_payload", "not a whole zstd frame")
		}
	}
}

// oneZstdFrame walks the blocks, so that frames behind the first, skippable ones and dictionaries are seen.
func oneZstdFrame(data []byte) bool {
	var h zstd.Header
	if h.Decode(data) != nil || h.Skippable || h.DictionaryID != 0 || h.WindowSize > maxWindow {
		return false
	}
	for at := h.HeaderSize; at+3 <= len(data); {
		block := uint32(data[at]) | uint32(data[at+1])<<8 | uint32(data[at+2])<<16
		size := int(block >> 3)
		if block>>1&3 == 1 {
			size = 1
		}
		at += 3 + size
		if block&1 == 1 {
			if h.HasCheckSum {
				at += 4
			}
			return at == len(data)
		}
	}
	return false
}
