package federation

import (
	"slices"
	"strings"
	"testing"
)

type successionVectors struct {
	Successions struct {
		Learned []struct {
			entry
			Verdict string
		}
		Chains []struct {
			Hub   string
			Chain []string
		}
		Confirmations []struct {
			Name, About    string
			Allowed        []string
			Hub, Successor string
			Refusal        string
		}
	}
	Records struct {
		Kinds []entry
		Lists []struct {
			entry
			Lines  []string
			Digest string
		}
		Page struct {
			Line, Digest string
			Times        int
			Pages        []int
		}
	}
}

func TestSuccessions(t *testing.T) {
	file := load[successionVectors](t, linksFile).Successions
	known := Successions{}
	for _, v := range some(t, file.Learned) {
		s, ok := SuccessionLine(v.Line)
		if !ok {
			t.Errorf("%v: no succession", v.entry)
			continue
		}
		if v.Signed.UTF8 != "" && string(s.message) != v.Signed.UTF8 {
			t.Errorf("%v: %s is signed", v.entry, s.message)
		}
		if verdict := known.Learn(s); verdict != v.Verdict {
			t.Errorf("%v: %s instead of %s", v.entry, verdict, v.Verdict)
		}
	}
	for _, v := range some(t, file.Chains) {
		if chain := known.Chain(v.Hub); !slices.Equal(chain, v.Chain) {
			t.Error(v.Hub, chain)
		}
	}
	for _, v := range some(t, file.Confirmations) {
		allowed := func(hub string) bool { return slices.Contains(v.Allowed, hub) }
		if refusal := known.Confirm(allowed, v.Hub, v.Successor); refusal != v.Refusal {
			t.Errorf("%s %s: %q instead of %q", v.Name, v.About, refusal, v.Refusal)
		}
	}
}

func TestRecords(t *testing.T) {
	file := load[successionVectors](t, linksFile).Records
	for _, v := range some(t, file.Kinds) {
		if kind := RecordKind(v.Line); kind != v.Kind {
			t.Errorf("%v: %q instead of %s", v, kind, v.Kind)
		}
	}
	for _, v := range some(t, file.Lists) {
		if digest := RecordsDigest(v.Lines); digest != v.Digest {
			t.Errorf("%v: %s", v.entry, digest)
		}
	}
	lines := slices.Repeat([]string{file.Page.Line}, file.Page.Times)
	if digest := RecordsDigest(lines); digest != file.Page.Digest {
		t.Error("the digest of all pages", digest)
	}
	from := 0
	for _, count := range some(t, file.Page.Pages) {
		page, ok := ReadPage(RecordsPage(lines, int64(from)))
		if !ok || len(page) != count {
			t.Errorf("a page of %d lines instead of %d", len(page), count)
		}
		from += count
	}
	if from != len(lines) {
		t.Error(from, "lines on all pages")
	}
	for _, wrong := range []string{"\n", "{}", "{}\n\n{}\n", strings.Repeat("\n", pageLines+1), strings.Repeat("{}\n", pageLines+1)} {
		if _, ok := ReadPage([]byte(wrong)); ok {
			t.Errorf("%.20q is a page", wrong)
		}
	}
}
