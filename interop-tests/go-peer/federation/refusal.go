package federation

import "fmt"

// Refusal is a handshake that ended with a code.
type Refusal struct{ Code string }

func (r *Refusal) Error() string { return r.Code }

func refuse(code string) *Refusal { return &Refusal{code} }

// The statuses of the table in section 7; a code that is not told as itself is told as not_allowlisted.
var statuses = map[string]uint16{
	"malformed": 400, "out_of_order": 409, "second_handshake": 409, "stalled": 408, "same_key": 403, "reflected": 403,
	"relayed": 403, "replayed": 403, "unknown_version": 400, "unknown_algorithm": 400, "unknown_extension": 400,
	"other_federation": 403, "not_allowlisted": 403, "expired_delegation": 403, "expired_treaty": 403,
}

// NotAllowlisted is what a responder tells whoever has not proved an allowed hub.
const NotAllowlisted = "not_allowlisted"

// Told is what a responder's answer says, with its status.
func (r *Refusal) Told() (string, uint16) {
	switch r.Code {
	case "no_invite", "wrong_secret", "wrong_key", "revoked":
		return NotAllowlisted, statuses[NotAllowlisted]
	}
	status, ok := statuses[r.Code]
	if !ok {
		panic(fmt.Sprintf("%s is never told", r.Code))
	}
	return r.Code, status
}
