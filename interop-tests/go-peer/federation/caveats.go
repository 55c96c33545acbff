package federation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go-peer/oap"
)

// Call is what caveats are judged by.
type Call struct {
	Verb, Topic, Peer, Hub string
	App                    int
	Now                    int64
}

// Verdict is the code and reason of the first caveat that does not hold; the zero verdict lets the call through.
type Verdict struct{ Code, Reason string }

// Failure is what the caller is told.
func (v Verdict) Failure() error {
	switch v.Code {
	case "":
		return nil
	case "cap_expired":
		return oap.Refused(v.Code, 401, v.Reason, "the capability has expired")
	}
	return oap.Refused(v.Code, 403, v.Reason, "the capability does not allow this call")
}

// NamesOnly tells that all caveats `origin` are this one.
func NamesOnly(caveats []string, origin string) bool {
	return slices.Contains(caveats, origin) && !slices.ContainsFunc(caveats, func(c string) bool {
		return strings.HasPrefix(c, "origin ") && c != origin
	})
}

// Holds judges those caveats that this peer writes; another one is not known to it, and holds for nothing.
func Holds(caveats []string, call Call) Verdict {
	known := map[string]func(string) bool{
		"verb =":     func(v string) bool { return slices.Contains(strings.Split(v, ","), call.Verb) },
		"peer =":     func(v string) bool { return v == call.Peer },
		"audience =": func(v string) bool { return v == call.Hub },
		"app =":      func(v string) bool { return slices.Contains(strings.Split(v, ","), fmt.Sprintf("0x%04x", call.App)) },
		"topic =": func(v string) bool {
			return slices.ContainsFunc(strings.Split(v, ","), func(p string) bool { return Allows(p, call.Topic) })
		},
		"origin =": func(string) bool { return true },
		"expires <": func(v string) bool {
			seconds, err := strconv.ParseInt(v, 10, 64)
			return err == nil && call.Now < seconds+DelegationSkew
		},
	}
	for _, late := range []bool{true, false} {
		for _, caveat := range caveats {
			words := strings.SplitN(caveat, " ", 3)
			if len(words) != 3 || known[words[0]+" "+words[1]] == nil {
				return Verdict{"cap_denied", words[0]}
			}
			if (words[0] == "expires") == late && !known[words[0]+" "+words[1]](words[2]) {
				if late {
					return Verdict{"cap_expired", words[0]}
				}
				return Verdict{"cap_denied", words[0]}
			}
		}
	}
	return Verdict{}
}
