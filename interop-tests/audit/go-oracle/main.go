// Command audit-oracle judges an audit log with golang.org/x/mod/sumdb alone: signed notes, checkpoints, tiles, proofs;
// and cosignatures with github.com/transparency-dev/formats.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "log":
		return print(judgeLog(args[1]))
	case len(args) == 2 && args[0] == "proofs":
		return print(judgeProofs(args[1]))
	case len(args) == 3 && args[0] == "sign":
		return print(signedNote(args[1], args[2]))
	}
	if len(args) == 4 && args[0] == "cosigned" {
		return print(judgeCosigned(args[1], args[2], args[3]))
	}
	return fmt.Errorf("usage: audit-oracle log FOLDER | proofs FOLDER <JSON | sign NAME TEXT | cosigned FILE WITNESS_VKEY LOG_VKEY")
}

func print(answer any, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
