package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// asked is what another implementation claims of the log in the folder; hashes in hex.
type asked struct {
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
}

type inclusion struct {
	Seq    int64    `json:"seq"`
	Size   int64    `json:"size"`
	Hashes []string `json:"hashes"`
}

type consistency struct {
	From   int64    `json:"from"`
	To     int64    `json:"to"`
	Hashes []string `json:"hashes"`
}

type proofVerdict struct {
	Inclusion   int `json:"inclusion"`
	Consistency int `json:"consistency"`
	// Refused counts proofs with one bit changed, all of which must be refused.
	Refused int `json:"refused"`
}

// judgeProofs checks each proof against roots that are made from the entries anew, and compares it with the oracle's own.
func judgeProofs(folder string) (*proofVerdict, error) {
	var claims asked
	if err := json.NewDecoder(os.Stdin).Decode(&claims); err != nil {
		return nil, err
	}
	log, err := openLog(folder)
	if err != nil {
		return nil, err
	}
	lines, err := log.entries()
	if err != nil {
		return nil, err
	}
	tree, err := growTree(lines)
	if err != nil {
		return nil, err
	}
	verdict := &proofVerdict{}
	for _, claim := range claims.Inclusion {
		if err := tree.judgeInclusion(claim, lines[claim.Seq], verdict); err != nil {
			return nil, fmt.Errorf("inclusion of %d in %d: %w", claim.Seq, claim.Size, err)
		}
	}
	for _, claim := range claims.Consistency {
		if err := tree.judgeConsistency(claim, verdict); err != nil {
			return nil, fmt.Errorf("growth from %d to %d: %w", claim.From, claim.To, err)
		}
	}
	return verdict, nil
}

// storedTree holds every hash of a tree, by tlog's numbering.
type storedTree []tlog.Hash

func growTree(lines [][]byte) (storedTree, error) {
	var tree storedTree
	for seq, line := range lines {
		hashes, err := tlog.StoredHashes(int64(seq), line, tree)
		if err != nil {
			return nil, err
		}
		tree = append(tree, hashes...)
	}
	return tree, nil
}

func (t storedTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = t[index]
	}
	return hashes, nil
}

func (t storedTree) judgeInclusion(claim inclusion, line []byte, verdict *proofVerdict) error {
	root, err := tlog.TreeHash(claim.Size, t)
	if err != nil {
		return err
	}
	proof, err := parseHashes(claim.Hashes)
	if err != nil {
		return err
	}
	own, err := tlog.ProveRecord(claim.Size, claim.Seq, t)
	if err != nil {
		return err
	}
	if err := equal(own, proof); err != nil {
		return err
	}
	leaf := tlog.RecordHash(line)
	if err := tlog.CheckRecord(proof, claim.Size, root, claim.Seq, leaf); err != nil {
		return err
	}
	verdict.Inclusion++
	if len(proof) == 0 {
		return nil
	}
	proof[0][0] ^= 1
	if tlog.CheckRecord(proof, claim.Size, root, claim.Seq, leaf) == nil {
		return fmt.Errorf("holds with a bit changed")
	}
	verdict.Refused++
	return nil
}

func (t storedTree) judgeConsistency(claim consistency, verdict *proofVerdict) error {
	from, err := tlog.TreeHash(claim.From, t)
	if err != nil {
		return err
	}
	to, err := tlog.TreeHash(claim.To, t)
	if err != nil {
		return err
	}
	proof, err := parseHashes(claim.Hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, claim.To, to, claim.From, from); err != nil {
		return err
	}
	verdict.Consistency++
	return nil
}

func equal(own []tlog.Hash, other []tlog.Hash) error {
	if len(own) != len(other) {
		return fmt.Errorf("%d hashes, expected %d", len(other), len(own))
	}
	for i := range own {
		if own[i] != other[i] {
			return fmt.Errorf("hash %d differs", i)
		}
	}
	return nil
}

func parseHashes(texts []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		bytes, err := hex.DecodeString(text)
		if err != nil || len(bytes) != tlog.HashSize {
			return nil, fmt.Errorf("hash %d is not 32 bytes in hex", i)
		}
		copy(hashes[i][:], bytes)
	}
	return hashes, nil
}

type signed struct {
	VerifierKey string `json:"verifier_key"`
	Note        string `json:"note"`
}

// signedNote signs a text with a new key, for the other side to open.
func signedNote(name, text string) (*signed, error) {
	secret, verifier, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	bytes, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, err
	}
	return &signed{verifier, string(bytes)}, nil
}
