package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// auditLog is a log's folder, read as a mirror would serve it.
type auditLog struct {
	folder string
	origin string
	head   tlog.Tree
	tiles  int
}

type logVerdict struct {
	Origin  string `json:"origin"`
	Size    int64  `json:"size"`
	Root    string `json:"root"`
	Entries int    `json:"entries"`
	Tiles   int    `json:"tiles"`
}

// openLog verifies the checkpoint with the log's verifier key, and takes it apart.
func openLog(folder string) (*auditLog, error) {
	vkey, err := os.ReadFile(filepath.Join(folder, "log.vkey"))
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return nil, fmt.Errorf("log.vkey: %w", err)
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	log := &auditLog{folder: folder}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return nil, errors.New("checkpoint: not three lines under the name of the key")
	}
	log.origin = lines[0]
	if log.head.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return nil, err
	}
	log.head.Hash, err = tlog.ParseHash(lines[2])
	return log, err
}

// Height, ReadTiles and SaveTiles make the folder a tlog.TileReader.
func (l *auditLog) Height() int { return tileHeight }

func (l *auditLog) SaveTiles([]tlog.Tile, [][]byte) {}

func (l *auditLog) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, tile := range tiles {
		bytes, err := l.readTile(tile)
		if err != nil {
			return nil, err
		}
		l.tiles++
		all[i] = bytes
	}
	return all, nil
}

// C2SP leaves the height out of the path, which is 8 always.
func (l *auditLog) readTile(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return os.ReadFile(filepath.Join(l.folder, path))
}

func (l *auditLog) hashes() tlog.HashReader { return tlog.TileHashReader(l.head, l) }

// entries reads the lines of all segments, in their order.
func (l *auditLog) entries() ([][]byte, error) {
	files, err := filepath.Glob(filepath.Join(l.folder, "segments", "*", "entries.ndjson"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var lines [][]byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if len(content) == 0 || content[len(content)-1] != '\n' {
			return nil, fmt.Errorf("%s: does not end with a line feed", file)
		}
		lines = append(lines, bytes.Split(content[:len(content)-1], []byte{'\n'})...)
	}
	return lines, nil
}

// judgeLog holds every entry against the tiles, and the tiles against the checkpoint.
func judgeLog(folder string) (*logVerdict, error) {
	log, err := openLog(folder)
	if err != nil {
		return nil, err
	}
	lines, err := log.entries()
	if err != nil {
		return nil, err
	}
	if int64(len(lines)) < log.head.N {
		return nil, fmt.Errorf("%d entries, the checkpoint covers %d", len(lines), log.head.N)
	}
	root, err := tlog.TreeHash(log.head.N, log.hashes())
	if err != nil {
		return nil, err
	}
	if root != log.head.Hash {
		return nil, errors.New("the tiles do not give the root of the checkpoint")
	}
	for seq := int64(0); seq < log.head.N; seq++ {
		if err := log.judgeEntry(seq, lines[seq]); err != nil {
			return nil, err
		}
	}
	root64 := base64.StdEncoding.EncodeToString(log.head.Hash[:])
	return &logVerdict{log.origin, log.head.N, root64, len(lines), log.tiles}, nil
}

// judgeEntry finds the entry's leaf through the tiles, which the reader verifies up to the root.
func (l *auditLog) judgeEntry(seq int64, line []byte) error {
	found, err := l.hashes().ReadHashes([]int64{tlog.StoredHashIndex(0, seq)})
	if err != nil {
		return fmt.Errorf("entry %d: %w", seq, err)
	}
	if found[0] != tlog.RecordHash(line) {
		return fmt.Errorf("entry %d: not the leaf in the tiles", seq)
	}
	return nil
}
