package storage

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// vector is a body of a whole blob or of a range; this prover takes whole ones.
type vector struct {
	Name, Code, CID string
	Body, Plain     json.RawMessage
	Offset, Length  *int
}

// written gives bytes that are written out in hex, and no others.
func written(text json.RawMessage) ([]byte, bool) {
	var digits string
	if json.Unmarshal(text, &digits) != nil {
		return nil, false
	}
	bytes, err := hex.DecodeString(digits)
	return bytes, err == nil
}

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../../specs/vectors/storage-dags.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Valid, Invalid []vector }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	judged := map[bool]int{}
	for _, v := range append(all.Valid, all.Invalid...) {
		body, isWritten := written(v.Body)
		if v.Offset != nil || v.Length != nil || !isWritten {
			continue
		}
		cid, err := ReadCID(v.CID)
		if err != nil {
			t.Fatal(v.Name, err)
		}
		plain, err := Prove(cid, body)
		judged[v.Code == ""]++
		want, isWritten := written(v.Plain)
		switch {
		case v.Code == "" && (err != nil || isWritten && !bytes.Equal(plain, want)):
			t.Errorf("%s: %v, %x", v.Name, err, plain)
		case v.Code != "" && (err == nil || err.Error() != v.Code):
			t.Errorf("%s: %v, not %s", v.Name, err, v.Code)
		}
	}
	if judged[true] < 3 || judged[false] < 30 {
		t.Errorf("judged %v", judged)
	}
}

func TestABlobProvesItself(t *testing.T) {
	for _, length := range []int{0, 1, 65536, 65537, 1_000_000} {
		plain := Sample("a", length)
		blob, err := NewBlob(plain)
		if err != nil {
			t.Fatal(err)
		}
		var body []byte
		_ = blob.blocks(0, length, func(_ int, block []byte) error {
			body = append(body, framed(block)...)
			return nil
		})
		proved, err := Prove(blob.CID, body)
		if err != nil || !bytes.Equal(proved, plain) {
			t.Fatalf("%d bytes: %v", length, err)
		}
		if length == 0 {
			continue
		}
		body[len(body)-1] ^= 1
		if _, err := Prove(blob.CID, body); err == nil || err.Error() != "bad_block" {
			t.Fatalf("%d bytes with a wrong bit: %v", length, err)
		}
		body[len(body)-1] ^= 1
		if _, err := Prove(blob.CID, body[:len(body)-1]); err == nil || err.Error() != "dag_cut" {
			t.Fatalf("%d bytes cut: %v", length, err)
		}
		if _, err := Prove(blob.CID, append(body, 0)); err == nil || err.Error() != "dag_surplus" {
			t.Fatalf("%d bytes and one more: %v", length, err)
		}
	}
}
