// Command boxo does with the libraries of Kubo what its users do: import a CAR, add a file, fetch from a gateway and ask it
// for providers. It prints one line of JSON.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const limit = 2 * time.Minute

// A file as it came out: its length, its SHA-256, and the content id of its root.
type file struct {
	Root   string `json:"root"`
	Length int64  `json:"length"`
	Sha256 string `json:"sha256"`
	Blocks int    `json:"blocks,omitempty"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	answer, err := run(ctx, os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("boxo import | add OPTION... | fetch blocks|car URL CID [RANGE] | providers URL CID")
	}
	switch verb, rest := args[0], args[1:]; verb {
	case "import":
		return importCar(ctx, os.Stdin)
	case "add":
		return add(ctx, rest, os.Stdin)
	case "fetch":
		return fetch(ctx, rest)
	case "providers":
		return providers(ctx, rest)
	default:
		return nil, fmt.Errorf("%s: no such verb", verb)
	}
}

// What a reader gives, hashed.
func read(root string, bytes io.Reader) (file, error) {
	hash := sha256.New()
	length, err := io.Copy(hash, bytes)
	return file{Root: root, Length: length, Sha256: hex.EncodeToString(hash.Sum(nil))}, err
}
