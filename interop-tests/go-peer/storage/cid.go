// Package storage is blobs as specs/storage.md has them: made, sent and proved, written from that text.
package storage

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

const (
	rawCodec   = 0x55
	dagPBCodec = 0x70
	cidBytes   = 36
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// CID is a content id in its binary form.
type CID [cidBytes]byte

func cidOf(codec byte, block []byte) CID {
	digest := sha256.Sum256(block)
	var c CID
	copy(c[:], []byte{1, codec, 0x12, 32})
	copy(c[4:], digest[:])
	return c
}

// ReadCID takes the one text form.
func ReadCID(text string) (CID, error) {
	var c CID
	rest, is := strings.CutPrefix(text, "b")
	bytes, err := base32Lower.DecodeString(rest)
	if !is || err != nil || base32Lower.EncodeToString(bytes) != rest {
		return c, errors.New("bad_cid")
	}
	return c, c.take(bytes)
}

func (c *CID) take(bytes []byte) error {
	if len(bytes) != cidBytes || bytes[0] != 1 || (bytes[1] != rawCodec && bytes[1] != dagPBCodec) || bytes[2] != 0x12 || bytes[3] != 32 {
		return errors.New("unsupported_cid")
	}
	copy(c[:], bytes)
	return nil
}

func (c CID) String() string { return "b" + base32Lower.EncodeToString(c[:]) }

// Multihash is the key of a provider record.
func (c CID) Multihash() []byte { return c[2:] }

func (c CID) isLeaf() bool { return c[1] == rawCodec }

// names tells that the block is the one that is meant.
func (c CID) names(block []byte) bool { return cidOf(c[1], block) == c }
