package federation

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

const (
	transcriptTag = "omnigate/handshake-transcript/1\n"
	initiatorTag  = "omnigate/handshake-initiator/1\n"
	responderTag  = "omnigate/handshake-responder/1\n"
	pairAskTag    = "omnigate/pair-initiator/1\n"
	pairAnswerTag = "omnigate/pair-responder/1\n"
)

// fields are the byte strings of section 4 in their order; the first two come from the channel.
type fields [][]byte

func transcriptOf(initiator, responder string) fields {
	return fields{[]byte(initiator), []byte(responder)}
}

func (f *fields) add(field []byte) { *f = append(*f, field) }

// digest is I after five fields and R after seven.
func (f fields) digest() []byte {
	h := sha256.New()
	h.Write([]byte(transcriptTag))
	for _, field := range f {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(field))))
		h.Write(field)
	}
	return h.Sum(nil)
}

func (f fields) signed(tag string) []byte { return append([]byte(tag), f.digest()...) }

func (f fields) mac(key []byte, tag string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(f.signed(tag))
	return h.Sum(nil)
}

// fits tells that the key inside a peer id signed the fields.
func (f fields) fits(peerID, tag string, signature []byte) bool {
	key, ok := ParsePeerID(peerID)
	return ok && len(signature) == ed25519.SignatureSize && ed25519.Verify(key, f.signed(tag), signature)
}
