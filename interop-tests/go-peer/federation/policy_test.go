package federation

import (
	"encoding/json"
	"testing"
)

type policyVectors struct {
	Policies []struct {
		entry
		File string
		Text string
		Hash string
	}
	Evidence []struct {
		entry
		Evidence json.RawMessage
	}
	Decisions []struct{ Policy, Evidence, Decision string }
}

func TestPoliciesAndWhatTheyDecide(t *testing.T) {
	file := load[policyVectors](t, "federation-policy.json")
	policies, items := map[string]*Policy{}, map[string]Evidence{}
	for _, v := range some(t, file.Policies) {
		p, ok := ParsePolicy([]byte(v.File))
		if ok != v.Accept || ok && (string(p.Text()) != v.Text || p.Hash() != v.Hash) {
			t.Errorf("%v: %v", v.entry, ok)
		}
		policies[v.Name] = p
	}
	for _, v := range some(t, file.Evidence) {
		e, ok := ParseEvidence(strict(t, v.Evidence))
		if ok != v.Accept {
			t.Errorf("%v: %v", v.entry, ok)
		}
		items[v.Name] = e
	}
	for _, v := range some(t, file.Decisions) {
		if got := string(policies[v.Policy].Decide(items[v.Evidence])); got != v.Decision {
			t.Errorf("%v of %v: %v", v.Policy, v.Evidence, got)
		}
	}
}
