package federation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

const (
	pageBytes = 32_768
	pageLines = 576
)

// RecordsDigest is that of all records of a hub, in their order.
func RecordsDigest(lines []string) string {
	hash := sha256.New()
	for _, line := range lines {
		hash.Write([]byte(line + "\n"))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// RecordsPage gives as many whole lines, the first being `from`, as a page holds.
func RecordsPage(lines []string, from int64) []byte {
	var page []byte
	for from < int64(len(lines)) && len(page)+len(lines[from])+1 <= pageBytes {
		page = append(append(page, lines[from]...), '\n')
		from++
	}
	return page
}

// ReadPage gives the lines of a page; they are counted before one is read.
func ReadPage(page []byte) ([]string, bool) {
	if len(page) > pageBytes || bytes.Count(page, []byte{'\n'}) > pageLines {
		return nil, false
	}
	if len(page) > 0 && page[len(page)-1] != '\n' {
		return nil, false
	}
	var lines []string
	for line := range bytes.Lines(page) {
		if len(line) == 1 {
			return nil, false
		}
		lines = append(lines, string(line[:len(line)-1]))
	}
	return lines, true
}
