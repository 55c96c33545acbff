package oap

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

const vectors = "../../../specs/vectors"

func load[T any](t *testing.T, file string) T {
	t.Helper()
	var v T
	text, err := os.ReadFile(filepath.Join(vectors, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(file, err)
	}
	return v
}

// expression is a bytes expression of the vectors' README.
type expression struct{ bytes []byte }

func (e *expression) UnmarshalJSON(text []byte) error {
	var digits string
	var parts []expression
	var form struct {
		UTF8   *string
		Repeat *struct {
			Hex   expression
			Count int
		}
		Record *struct{ Header, Body expression }
		Batch  *[]expression
	}
	switch {
	case json.Unmarshal(text, &digits) == nil:
		b, err := hex.DecodeString(digits)
		e.bytes = b
		return err
	case json.Unmarshal(text, &parts) == nil:
		e.bytes = joined(parts)
		return nil
	}
	if err := json.Unmarshal(text, &form); err != nil {
		return err
	}
	switch {
	case form.UTF8 != nil:
		e.bytes = []byte(*form.UTF8)
	case form.Repeat != nil:
		e.bytes = bytes.Repeat(form.Repeat.Hex.bytes, form.Repeat.Count)
	case form.Record != nil:
		e.bytes = Record(string(form.Record.Header.bytes), form.Record.Body.bytes)
	case form.Batch != nil:
		for _, part := range *form.Batch {
			e.bytes = binary.LittleEndian.AppendUint32(e.bytes, uint32(len(part.bytes)))
			e.bytes = append(e.bytes, part.bytes...)
		}
	default:
		return fmt.Errorf("no bytes expression: %s", text)
	}
	return nil
}

func joined(parts []expression) []byte {
	var b []byte
	for _, part := range parts {
		b = append(b, part.bytes...)
	}
	return b
}

var flagNames = map[string]Flags{"REQ": REQ, "RESP": RESP, "EVENT": EVENT, "START": START, "END": END, "ACK_REQ": ACKREQ, "COMP": COMP, "APP_E2E": APPE2E}

func flagsOf(names []string) (f Flags) {
	for _, name := range names {
		f |= flagNames[name]
	}
	return f
}

// outcome reads frames and refusals up to the end, or to one that closes.
func outcome(in io.Reader) (frames []Frame, names []string, rest string) {
	d := NewDecoder(in)
	for {
		f, err := d.Next()
		var refused *Refusal
		switch {
		case err == nil:
			frames, names = append(frames, f), append(names, "frame")
		case errors.As(err, &refused):
			names = append(names, refused.Reason)
			if refused.Closes {
				return frames, names, "broken"
			}
		case errors.Is(err, io.EOF):
			return frames, names, "clean"
		default:
			return frames, names, "partial"
		}
	}
}

type given struct{ Name, Hex, Expect string }

func TestGivenFramesThatAreValidDecodeAndEncodeToTheSameBytes(t *testing.T) {
	file := load[struct{ Valid []given }](t, "oap1-frames.json")
	for _, v := range file.Valid {
		sent, _ := hex.DecodeString(v.Hex)
		frames, _, rest := outcome(bytes.NewReader(sent))
		if len(frames) != 1 || rest != "clean" {
			t.Fatal(v.Name, "is not one frame")
		}
		if got, err := frames[0].Encode(MaxFrame); err != nil || !bytes.Equal(got, sent) {
			t.Error(v.Name, "encodes to", hex.EncodeToString(got), err)
		}
	}
}

func TestGivenFramesThatAreInvalidAreRefused(t *testing.T) {
	file := load[struct{ Invalid, Edge []given }](t, "oap1-frames.json")
	want := map[string]string{"M1": "bad_frame", "M2": "frame_oversize", "M3": "bad_version", "M5": "bad_sequence", "M6": "bad_frame", "M8": "bad_frame"}
	for _, v := range file.Invalid {
		sent, _ := hex.DecodeString(v.Hex)
		if _, names, _ := outcome(bytes.NewReader(sent)); len(names) == 0 || names[0] != want[v.Name] {
			t.Error(v.Name, names, "instead of", want[v.Name])
		}
	}
	for _, v := range file.Edge {
		sent, _ := hex.DecodeString(v.Hex)
		if frames, _, _ := outcome(bytes.NewReader(sent)); len(frames) != 1 {
			t.Error(v.Name, "is not accepted")
		}
	}
}

type moreFrames struct {
	Valid []struct {
		Name   string
		Bytes  expression
		Fields struct {
			Len     uint32
			Flags   []string
			Code    uint16
			App     uint16
			Tenant  string
			CapLen  int    `json:"cap_len"`
			Corr    string `json:"corr_id"`
			Decimal string `json:"corr_decimal"`
		}
		Payload, Cap *expression
	}
	Invalid []struct {
		Name, Reason, Session string
		Bytes                 expression
		Answer                struct {
			App  uint16
			Corr string `json:"corr_id"`
		}
	}
	Sequences []struct {
		Name, Rest string
		Bytes      expression
		Outcome    []string
	}
	Unencodable []struct {
		Name  string
		Frame struct {
			Flags        []string
			App          uint16
			Cap, Payload expression
		}
	}
}

func printed(tenant Tenant) string {
	b := slices.Clone(tenant[:])
	slices.Reverse(b)
	digits := hex.EncodeToString(b)
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

func TestFieldsOfMoreValidFrames(t *testing.T) {
	for _, v := range load[moreFrames](t, "oap1-frames-more.json").Valid {
		frames, _, _ := outcome(bytes.NewReader(v.Bytes.bytes))
		if len(frames) != 1 {
			t.Error(v.Name, "is not accepted")
			continue
		}
		f, want := frames[0], v.Fields
		same := f.Flags == flagsOf(want.Flags) && f.Code == want.Code && f.App == want.App &&
			printed(f.Tenant) == want.Tenant && len(f.Cap) == want.CapLen && Hex(f.Corr) == want.Corr &&
			strconv.FormatUint(f.Corr, 10) == want.Decimal &&
			(v.Payload == nil || bytes.Equal(f.Payload, v.Payload.bytes)) && (v.Cap == nil || bytes.Equal(f.Cap, v.Cap.bytes))
		if !same {
			t.Errorf("%s: flags %#x code %d app %d tenant %s cap %d corr %s", v.Name, f.Flags, f.Code, f.App, printed(f.Tenant), len(f.Cap), Hex(f.Corr))
		}
		if got, err := f.Encode(MaxFrame); err != nil || v.Bytes.bytes[6] == 0 && !bytes.Equal(got, v.Bytes.bytes) {
			t.Error(v.Name, "does not encode to the same bytes", err)
		}
	}
}

func TestMoreInvalidFramesAreRefusedForTheirReason(t *testing.T) {
	for _, v := range load[moreFrames](t, "oap1-frames-more.json").Invalid {
		_, err := NewDecoder(bytes.NewReader(v.Bytes.bytes)).Next()
		var r *Refusal
		if !errors.As(err, &r) || r.Reason != v.Reason || r.Closes != (v.Session == "closes") || r.App != v.Answer.App || Hex(r.Corr) != v.Answer.Corr {
			t.Errorf("%s: %v %+v", v.Name, err, r)
		}
	}
}

func TestSequencesComeOutTheSameInEveryDivision(t *testing.T) {
	for _, v := range load[moreFrames](t, "oap1-frames-more.json").Sequences {
		for _, in := range []io.Reader{bytes.NewReader(v.Bytes.bytes), iotest.OneByteReader(bytes.NewReader(v.Bytes.bytes))} {
			_, names, rest := outcome(in)
			if rest != v.Rest || !slices.Equal(names, v.Outcome) {
				t.Error(v.Name, names, rest)
			}
		}
	}
}

func TestTheEncoderRefusesWhatADecoderWould(t *testing.T) {
	for _, v := range load[moreFrames](t, "oap1-frames-more.json").Unencodable {
		f := Frame{Flags: flagsOf(v.Frame.Flags), App: v.Frame.App, Corr: 1, Cap: v.Frame.Cap.bytes, Payload: v.Frame.Payload.bytes}
		if _, err := f.Encode(MaxFrame); err == nil {
			t.Error(v.Name, "was encoded")
		}
	}
}

type payload struct {
	Name     string
	Bytes    expression
	Accept   bool
	Reason   string
	Status   uint16
	Value    json.RawMessage
	Form     string
	Header   json.RawMessage
	Body     *expression
	Inflated *expression
}

func check(t *testing.T, v payload, err error) {
	t.Helper()
	var failure *Failure
	switch {
	case v.Accept && err != nil:
		t.Error(v.Name, "is refused:", err)
	case !v.Accept && (!errors.As(err, &failure) || failure.Reason != v.Reason || failure.Status != v.Status):
		t.Error(v.Name, err, "instead of", v.Reason)
	}
}

func sameJSON(o Object, want json.RawMessage) bool {
	if want == nil {
		return true
	}
	text, err := json.Marshal(o)
	var a, b any
	return err == nil && json.Unmarshal(text, &a) == nil && json.Unmarshal(want, &b) == nil && reflect.DeepEqual(a, b)
}

func TestPayloads(t *testing.T) {
	file := load[struct{ JSON, Start, Zstd []payload }](t, "oap1-payloads.json")
	if len(file.JSON) == 0 || len(file.Start) == 0 || len(file.Zstd) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range file.JSON {
		o, err := ParseObject(v.Bytes.bytes)
		if check(t, v, err); err == nil && !sameJSON(o, v.Value) {
			t.Error(v.Name, o)
		}
	}
	for _, v := range file.Start {
		r, err := ParseRequest(v.Bytes.bytes)
		check(t, v, err)
		if err == nil && (!sameJSON(r.Header, v.Header) || !bytes.Equal(r.Body, v.Body.bytes) || r.Record != (v.Form == "record")) {
			t.Errorf("%s: %+v", v.Name, r)
		}
	}
	for _, v := range file.Zstd {
		got, err := new(Inflation).Inflate(v.Bytes.bytes)
		if check(t, v, err); err == nil && !bytes.Equal(got, v.Inflated.bytes) {
			t.Error(v.Name, "inflates to", len(got), "bytes")
		}
	}
}
