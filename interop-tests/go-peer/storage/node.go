package storage

import (
	"encoding/binary"
	"errors"
)

const (
	leafBytes = 65536
	mostLinks = 1024
	mostLeaf  = 1 << 20
	mostNode  = 1 << 16
	mostLevel = 8
)

// child is what a node says of one of its children: whose tree it is, and the bytes of the blob below it.
type child struct {
	cid    CID
	length uint64
	size   uint64
}

var (
	errNode    = errors.New("bad_node")
	errLengths = errors.New("bad_lengths")
)

// encodeNode writes a node in the one form of section 2.2.
func encodeNode(children []child) []byte {
	var node, data []byte
	total := uint64(0)
	for _, c := range children {
		link := field(nil, 0x0a, c.cid[:])
		link = field(link, 0x12, nil)
		link = binary.AppendUvarint(append(link, 0x18), c.size)
		node = field(node, 0x12, link)
		total += c.length
	}
	data = binary.AppendUvarint([]byte{0x08, 2, 0x18}, total)
	for _, c := range children {
		data = binary.AppendUvarint(append(data, 0x20), c.length)
	}
	return field(node, 0x0a, data)
}

func field(to []byte, tag byte, bytes []byte) []byte {
	return append(binary.AppendUvarint(append(to, tag), uint64(len(bytes))), bytes...)
}

// decodeNode gives the children with their lengths.
func decodeNode(block []byte) ([]child, error) {
	r := &reader{rest: block}
	var children []child
	for r.is(0x12) {
		link := &reader{rest: r.bytes()}
		var c child
		if !link.is(0x0a) || c.cid.take(link.bytes()) != nil {
			return nil, errNode
		}
		if link.is(0x12) && len(link.bytes()) > 0 {
			return nil, errNode
		}
		if link.is(0x18) {
			c.size = link.varint()
		}
		if link.failed || len(link.rest) > 0 {
			return nil, errNode
		}
		children = append(children, c)
	}
	if len(children) == 0 || len(children) > mostLinks || !r.is(0x0a) {
		return nil, errNode
	}
	data := &reader{rest: r.bytes()}
	if r.failed || len(r.rest) > 0 || !data.is(0x08) || data.varint() != 2 || !data.is(0x18) {
		return nil, errNode
	}
	total := data.varint()
	var lengths []uint64
	for data.is(0x20) {
		lengths = append(lengths, data.varint())
	}
	if data.failed || len(data.rest) > 0 {
		return nil, errNode
	}
	if len(lengths) != len(children) {
		return nil, errLengths
	}
	for i, length := range lengths {
		if length == 0 || length > total {
			return nil, errLengths
		}
		children[i].length = length
		total -= length
	}
	if total != 0 {
		return nil, errLengths
	}
	return children, nil
}

type reader struct {
	rest   []byte
	failed bool
}

// is takes a tag where it stands next.
func (r *reader) is(tag byte) bool {
	if r.failed || len(r.rest) == 0 || r.rest[0] != tag {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) varint() uint64 {
	n, used := binary.Uvarint(r.rest)
	if used <= 0 || used > 8 || n > 1<<53-1 || len(binary.AppendUvarint(nil, n)) != used {
		r.failed = true
		return 0
	}
	r.rest = r.rest[used:]
	return n
}

func (r *reader) bytes() []byte {
	n := r.varint()
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
