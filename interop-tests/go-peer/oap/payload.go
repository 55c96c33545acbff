package oap

import "encoding/binary"

// Request is the START payload of a call: its header object and, of a record, the first of its body.
type Request struct {
	Header Object
	Body   []byte
	Record bool
}

// ParseRequest tells the forms of section 8.1 apart by their first byte.
func ParseRequest(payload []byte) (Request, error) {
	switch {
	case len(payload) > 0 && payload[0] == '{':
		header, err := ParseObject(payload)
		return Request{Header: header}, err
	case len(payload) < 3 || payload[0] != 0:
		return Request{}, fail("bad_payload", "the payload is neither JSON nor a record")
	}
	n := int(binary.LittleEndian.Uint16(payload[1:]))
	if n > len(payload)-3 {
		return Request{}, fail("bad_payload", "the record's header is longer than the payload")
	}
	header, err := ParseObject(payload[3 : 3+n])
	return Request{Header: header, Body: payload[3+n:], Record: true}, err
}

// Record joins a header's JSON text and a body.
func Record(header string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{0}, uint16(len(header)))
	return append(append(b, header...), body...)
}

// Integer gives a member between bounds, fallback where it is missing and may be.
func (o Object) Integer(name string, least, most int64, fallback *int64) (int64, error) {
	value, there := o[name]
	if !there && fallback != nil {
		return *fallback, nil
	}
	n, ok := value.(int64)
	if !ok || n < least || n > most {
		return 0, fail("bad_request", name+" is missing or out of range")
	}
	return n, nil
}
