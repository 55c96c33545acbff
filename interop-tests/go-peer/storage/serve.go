package storage

import (
	"context"
	"fmt"

	"go-peer/oap"
)

// App is the app_proto_id.
const App = 0x0301

const mostNumber = 1<<53 - 1

// Way is how a provider strays from the text, at a leaf.
type Way struct {
	Name string
	Leaf int
}

// Shelf is what a peer serves, by the text of the root.
type Shelf interface {
	Blob(cid string) (*Blob, Way)
	// Asked is told of each get.
	Asked(cid string)
}

// Service answers has and get, to everybody.
func Service(shelf Shelf) oap.Service {
	return oap.Service{
		"has": {Run: func(_ context.Context, c oap.Caller) error { return has(shelf, c) }},
		"get": {Run: func(ctx context.Context, c oap.Caller) error { return get(ctx, shelf, c) }},
	}
}

func has(shelf Shelf, c oap.Caller) error {
	cids, _ := c.Header()["cids"].([]any)
	if len(cids) == 0 || len(cids) > 1024 {
		return oap.Refused("bad_request", 400, "", "cids: 1 to 1024")
	}
	bits := make([]byte, (len(cids)+7)/8)
	for n, cid := range cids {
		text, _ := cid.(string)
		if blob, _ := shelf.Blob(text); blob != nil {
			bits[n/8] |= 1 << (n % 8)
		}
	}
	return c.Answer(oap.Record("{}", bits), true)
}

func get(ctx context.Context, shelf Shelf, c oap.Caller) error {
	cid, _ := c.Header()["cid"].(string)
	blob, way := shelf.Blob(cid)
	if blob == nil {
		return oap.Refused("not_found", 404, "", "not found")
	}
	shelf.Asked(cid)
	zero, all := int64(0), int64(mostNumber)
	offset, err := c.Header().Integer("offset", 0, mostNumber, &zero)
	if err != nil {
		return err
	}
	length, err := c.Header().Integer("length", 1, mostNumber, &all)
	if err != nil {
		return err
	}
	if offset >= int64(blob.Length) && offset > 0 {
		return oap.Refused("bad_range", 400, "", "no byte of the range lies in the blob")
	}
	length = min(length, int64(blob.Length)-offset)
	total := blob.Length
	if way.Name == "other length" {
		total++
	}
	status := uint16(0)
	if length < int64(blob.Length) {
		status = 206
	}
	head := oap.Record(fmt.Sprintf(`{"cid":%q,"length":%d,"offset":%d,"total_len":%d}`, cid, length, offset, total), nil)
	if err := c.Head(status, head); err != nil {
		return err
	}
	if err := blob.blocks(int(offset), int(length), straying(ctx, way, c)); err != nil {
		if err == errCut {
			return c.Answer(nil, true)
		}
		return err
	}
	for way.Name == "endless" {
		if err := c.Answer(framed(blob.leaves[0]), false); err != nil {
			return err
		}
	}
	return c.Answer(nil, true)
}

var errCut = fmt.Errorf("cut")

// straying sends blocks as they are up to the leaf of the way.
func straying(ctx context.Context, way Way, c oap.Caller) func(int, []byte) error {
	return func(leaf int, block []byte) error {
		bytes := framed(block)
		if leaf >= way.Leaf {
			switch way.Name {
			case "lie":
				bytes[len(bytes)-1] ^= 1
			case "oversize":
				bytes[3] = 0x7f
			case "cut":
				return errCut
			case "stall":
				<-ctx.Done()
				return ctx.Err()
			}
		}
		return c.Answer(bytes, false)
	}
}
