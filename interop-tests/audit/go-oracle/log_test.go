package main

import (
	"testing"
)

func TestArgumentsAreJudged(t *testing.T) {
	for _, args := range [][]string{nil, {"log"}, {"sign", "x"}, {"other", "x"}} {
		if run(args) == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestAFolderWithoutALogIsAnError(t *testing.T) {
	if _, err := judgeLog(t.TempDir()); err == nil {
		t.Error("no error")
	}
}

func TestHashesAreParsedStrictly(t *testing.T) {
	for _, text := range []string{"", "00", "zz"} {
		if _, err := parseHashes([]string{text}); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
