package federation

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base32"
	"encoding/hex"

	"github.com/mr-tron/base58"
)

const (
	hubIDPrefix     = "h1"
	longestPeerText = 64
)

var (
	base32Text  = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	peerIDBytes = []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}
)

// HubID is the text of a hub's key.
func HubID(key ed25519.PublicKey) string { return hubIDPrefix + base32Text.EncodeToString(key) }

// ParseHubID gives the key of a hub id in its one writing.
func ParseHubID(text string) (ed25519.PublicKey, bool) {
	if len(text) != len(hubIDPrefix)+52 {
		return nil, false
	}
	key, err := base32Text.DecodeString(text[len(hubIDPrefix):])
	return key, err == nil && usable(key) && HubID(key) == text
}

// PeerID is the text of a node's key.
func PeerID(key ed25519.PublicKey) string {
	return base58.Encode(append(bytes.Clone(peerIDBytes), key...))
}

// ParsePeerID gives the Ed25519 key of a peer id in its one writing.
func ParsePeerID(text string) (ed25519.PublicKey, bool) {
	if len(text) > longestPeerText {
		return nil, false
	}
	all, err := base58.Decode(text)
	if err != nil || !bytes.HasPrefix(all, peerIDBytes) {
		return nil, false
	}
	key := ed25519.PublicKey(all[len(peerIDBytes):])
	return key, usable(key) && PeerID(key) == text
}

// The y of the points of order 1, 2, 4 and 8, little-endian and without the sign of x.
var weakY = map[string]bool{
	"0100000000000000000000000000000000000000000000000000000000000000": true,
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f": true,
	"0000000000000000000000000000000000000000000000000000000000000000": true,
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05": true,
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a": true,
}

// usable tells that a public key is canonical and not of small order.
func usable(key []byte) bool {
	if len(key) != ed25519.PublicKeySize {
		return false
	}
	y := bytes.Clone(key)
	y[31] &= 0x7f
	return below(y) && !weakY[hex.EncodeToString(y)]
}

// below tells that y is below 2^255 - 19.
func below(y []byte) bool {
	for _, b := range y[1:31] {
		if b != 0xff {
			return true
		}
	}
	return y[31] != 0x7f || y[0] < 0xed
}
