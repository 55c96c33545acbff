package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Blob is one of the profile omnigate-v1 that needs no more than one node.
type Blob struct {
	CID    CID
	Length int
	node   []byte
	leaves [][]byte
}

// Sample is the bytes that a test knows by a seed: SHA-256 of the seed and a counter, one after the other.
func Sample(seed string, length int) []byte {
	var bytes []byte
	for n := 0; len(bytes) < length; n++ {
		block := sha256.Sum256(fmt.Appendf(nil, "%s %d", seed, n))
		bytes = append(bytes, block[:]...)
	}
	return bytes[:length]
}

// NewBlob divides bytes into leaves.
func NewBlob(bytes []byte) (*Blob, error) {
	b := &Blob{Length: len(bytes)}
	var children []child
	for at := 0; at < len(bytes) || at == 0; at += leafBytes {
		leaf := bytes[at:min(len(bytes), at+leafBytes)]
		b.leaves = append(b.leaves, leaf)
		children = append(children, child{cid: cidOf(rawCodec, leaf), length: uint64(len(leaf)), size: uint64(len(leaf))})
	}
	if len(children) > mostLinks {
		return nil, fmt.Errorf("%d leaves: one node has %d", len(children), mostLinks)
	}
	if len(children) == 1 {
		b.CID = children[0].cid
		return b, nil
	}
	b.node = encodeNode(children)
	b.CID = cidOf(dagPBCodec, b.node)
	return b, nil
}

// blocks gives those of a range, each as it travels, with the number of the leaf, -1 for a node.
func (b *Blob) blocks(offset, length int, send func(leaf int, block []byte) error) error {
	if b.node != nil {
		if err := send(-1, b.node); err != nil {
			return err
		}
	}
	for n, leaf := range b.leaves {
		from, to := n*leafBytes, n*leafBytes+len(leaf)
		if to <= offset && b.Length > 0 || from >= offset+length && n > 0 {
			continue
		}
		if err := send(n, leaf); err != nil {
			return err
		}
	}
	return nil
}

// framed is a block as the dag form has it.
func framed(block []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(block))), block...)
}
