package main

import (
	"errors"
	"os"

	cosig "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

type cosignedVerdict struct {
	Text string `json:"text"`
	// At is when the witness signed, in Unix seconds.
	At int64 `json:"at"`
	// IsLogs says that the key of the log, where it was given, has signed as well.
	IsLogs bool `json:"is_logs"`
}

// judgeCosigned opens the checkpoint in a file with the key of a witness, and with that of its log if there is one.
func judgeCosigned(file, witnessKey, logKey string) (*cosignedVerdict, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	witness, err := cosig.NewVerifierForCosignatureV1(witnessKey)
	if err != nil {
		return nil, err
	}
	known := []note.Verifier{witness}
	if logKey != "" {
		log, err := note.NewVerifier(logKey)
		if err != nil {
			return nil, err
		}
		known = append(known, log)
	}
	opened, err := note.Open(bytes, note.VerifierList(known...))
	if err != nil {
		return nil, err
	}
	verdict := &cosignedVerdict{Text: opened.Text}
	for _, signature := range opened.Sigs {
		if signature.Hash != witness.KeyHash() {
			verdict.IsLogs = true
			continue
		}
		at, err := cosig.CoSigV1Timestamp(signature)
		if err != nil {
			return nil, err
		}
		verdict.At = at.Unix()
	}
	if verdict.At == 0 {
		return nil, errors.New("the witness has not signed")
	}
	return verdict, nil
}
