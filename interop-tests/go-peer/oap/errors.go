package oap

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

type row struct {
	status    uint16
	retryable bool
}

// The reasons that this peer can give, out of the table in section 9.3.
var reasons = map[string]row{
	"bad_frame":         {400, false},
	"bad_version":       {400, false},
	"bad_sequence":      {400, false},
	"bad_payload":       {400, false},
	"frame_oversize":    {413, false},
	"body_oversize":     {413, false},
	"ratio_cap":         {413, false},
	"decompress_cap":    {413, false},
	"credit_violation":  {400, false},
	"unknown_app":       {404, false},
	"unknown_operation": {404, false},
	"bad_request":       {400, false},
	"saturated":         {503, true},
	"deadline":          {504, true},
	"slow_peer":         {408, true},
	"internal":          {500, false},
	"quota_peer":        {429, true},
}

// Failure is an error that the other side is told.
type Failure struct {
	Reason  string
	Status  uint16
	Message string
	// Cause is the finer reason of section 9.1, empty where there is none.
	Cause string
	// Wait is how long a bucket needs; without it a time is drawn.
	Wait time.Duration
}

func (f *Failure) Error() string { return fmt.Sprintf("%d %s: %s", f.Status, f.Reason, f.Message) }

func fail(reason, message string) *Failure {
	return &Failure{Reason: reason, Status: reasons[reason].status, Message: message}
}

// Refused is what a service answers where it refuses with a code of its own.
func Refused(code string, status uint16, cause, message string) *Failure {
	return &Failure{Reason: code, Status: status, Message: message, Cause: cause}
}

// Later is what a service answers whom it has served enough for now.
func Later(reason string, wait time.Duration) *Failure {
	f := fail(reason, "too many calls of this kind")
	f.Wait = wait
	return f
}

func (f *Failure) payload(corr uint64) []byte {
	o := map[string]any{
		"code":      f.Reason,
		"message":   f.Message,
		"retryable": reasons[f.Reason].retryable,
		"corr_id":   Hex(corr),
	}
	if f.Cause != "" {
		o["reason"] = f.Cause
	}
	switch {
	case f.Wait > 0:
		o["retry_after_ms"] = min(5000, max(1000, f.Wait.Milliseconds()))
	case f.Status == 429 || f.Status == 503:
		o["retry_after_ms"] = 1000 + rand.IntN(4001)
	}
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return text
}

// Hex prints a corr_id as JSON carries it.
func Hex(corr uint64) string { return fmt.Sprintf("%016x", corr) }
