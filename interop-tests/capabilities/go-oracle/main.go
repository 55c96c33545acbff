// The Go module gopkg.in/macaroon.v2, asked by lines of JSON: see ../oracle.ts.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"gopkg.in/macaroon.v2"
)

type party struct {
	Key        string
	Identifier string
	Location   string
}

type question struct {
	Ask        string
	Key        string
	Identifier string
	Location   string
	Caveats    []string
	Party      *party
	Macaroon   string
	Discharge  string
	Discharges []string
}

var answers = map[string]func(question) any{"mint": mint, "narrow": narrow, "bind": bind, "verify": verify}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q question
		must(json.Unmarshal(lines.Bytes(), &q))
		line, err := json.Marshal(answers[q.Ask](q))
		must(err)
		fmt.Println(string(line))
	}
}

func mint(q question) any {
	m, err := macaroon.New(decoded(q.Key), decoded(q.Identifier), q.Location, macaroon.V2)
	must(err)
	return narrowed(m, q)
}

func narrow(q question) any {
	return narrowed(read(q.Macaroon), q)
}

func narrowed(m *macaroon.Macaroon, q question) string {
	for _, caveat := range q.Caveats {
		must(m.AddFirstPartyCaveat([]byte(caveat)))
	}
	if q.Party != nil {
		must(m.AddThirdPartyCaveat(decoded(q.Party.Key), decoded(q.Party.Identifier), q.Party.Location))
	}
	return written(m)
}

func bind(q question) any {
	m := read(q.Discharge)
	m.Bind(read(q.Macaroon).Signature())
	return written(m)
}

func verify(q question) any {
	discharges := make([]*macaroon.Macaroon, 0, len(q.Discharges))
	for _, each := range q.Discharges {
		discharges = append(discharges, read(each))
	}
	seen := []string{}
	check := func(caveat string) error {
		seen = append(seen, caveat)
		return nil
	}
	if err := read(q.Macaroon).Verify(decoded(q.Key), check, discharges); err != nil {
		return nil
	}
	return seen
}

func read(text string) *macaroon.Macaroon {
	var m macaroon.Macaroon
	must(m.UnmarshalBinary(decoded(text)))
	return &m
}

func written(m *macaroon.Macaroon) string {
	data, err := m.MarshalBinary()
	must(err)
	return hex.EncodeToString(data)
}

func decoded(text string) []byte {
	data, err := hex.DecodeString(text)
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
