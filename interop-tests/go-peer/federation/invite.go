package federation

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

const (
	longestInvite  = 4096
	inviteAhead    = 15*60 + 60
	inviteCheck    = 4
	inviteHead     = 58
	mostAddresses  = 8
	fingerprintTag = "omnigate/pairing-fingerprint/1\n"
)

// Invite is the line that one operator gives another.
type Invite struct {
	Hub       string
	Secret    []byte
	Expires   int64
	Addresses []string
}

// MacKey is the key under which both sides show that they know the invite.
func (i Invite) MacKey() []byte {
	k := sha256.Sum256(i.Secret)
	return k[:]
}

// ReadInvite gives what an invite says, or its refusal: form, expired or too_long.
func ReadInvite(text string, now int64) (Invite, string) {
	if len(text) > longestInvite {
		return Invite{}, "form"
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != text || len(b) < inviteHead+inviteCheck {
		return Invite{}, "form"
	}
	b, check := b[:len(b)-inviteCheck], b[len(b)-inviteCheck:]
	if sum := sha256.Sum256(b); string(sum[:inviteCheck]) != string(check) || b[0] != 1 || !usable(b[1:33]) {
		return Invite{}, "form"
	}
	expires := binary.LittleEndian.Uint64(b[49:57])
	addresses, ok := readAddresses(b[57], b[inviteHead:])
	if !ok || expires < 1 || expires > latestTime {
		return Invite{}, "form"
	}
	i := Invite{HubID(ed25519.PublicKey(b[1:33])), b[33:49], int64(expires), addresses}
	switch {
	case now >= i.Expires:
		return i, "expired"
	case i.Expires > now+inviteAhead:
		return i, "too_long"
	}
	return i, ""
}

func readAddresses(count byte, b []byte) ([]string, bool) {
	if count < 1 || count > mostAddresses {
		return nil, false
	}
	var list []string
	for range count {
		if len(b) == 0 || b[0] < 2 || len(b) < 1+int(b[0]) {
			return nil, false
		}
		address := b[1 : 1+int(b[0])]
		if address[0] != '/' {
			return nil, false
		}
		for _, c := range address {
			if c < 0x21 || c > 0x7e {
				return nil, false
			}
		}
		list, b = append(list, string(address)), b[1+int(b[0]):]
	}
	return list, len(b) == 0
}

// Text is the line of an invite.
func (i Invite) Text() string {
	key, _ := ParseHubID(i.Hub)
	b := append(append([]byte{1}, key...), i.Secret...)
	b = binary.LittleEndian.AppendUint64(b, uint64(i.Expires))
	b = append(b, byte(len(i.Addresses)))
	for _, address := range i.Addresses {
		b = append(append(b, byte(len(address))), address...)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(append(b, sum[:inviteCheck]...))
}

// Fingerprint is what the operators of a pairing compare.
func Fingerprint(transcript []byte) string {
	sum := sha256.Sum256(append([]byte(fingerprintTag), transcript...))
	text := base32Text.EncodeToString(sum[:10])
	return text[0:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}
