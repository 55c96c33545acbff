package federation

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"go-peer/oap"
)

const vectors = "../../../specs/vectors"

func load[T any](t *testing.T, file string) T {
	t.Helper()
	var v T
	text, err := os.ReadFile(filepath.Join(vectors, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(file, err)
	}
	return v
}

// strict turns JSON of a vector file into the values of this package.
func strict(t *testing.T, text json.RawMessage) any {
	t.Helper()
	o, err := oap.ParseObject(append(append([]byte(`{"v":`), text...), '}'))
	if err != nil {
		t.Fatal(err)
	}
	return o["v"]
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type entry struct {
	Name, About   string
	Accept        bool
	Text, Key     string
	Line          string
	Signed        struct{ UTF8 string }
	Kind, Refusal string
}

func (e entry) String() string { return e.Name + " " + e.About }

func some[T any](t *testing.T, list []T) []T {
	t.Helper()
	if len(list) == 0 {
		t.Fatal("no vectors")
	}
	return list
}

type linkVectors struct {
	Keys map[string]struct {
		Seed      string
		PublicKey string `json:"public_key"`
		HubID     string `json:"hub_id"`
		PeerID    string `json:"peer_id"`
	}
	HubIDs         []entry `json:"hub_ids"`
	Delegations    []entry
	KeyRevocations []entry `json:"key_revocations"`
	Malformed      []entry
	Treaties       struct {
		Documents []struct {
			entry
			Grant json.RawMessage
		}
	}
	Invites struct {
		Now   int64
		Texts []struct {
			entry
			Says struct {
				Hub, Secret  string
				SecretSHA256 string `json:"secret_sha256"`
				Addresses    []string
				Expires      int64
			}
		}
	}
	Fingerprints []struct{ Name, Transcript, Fingerprint string }
}

const linksFile = "federation-links.json"

func TestKeysAndTheirIds(t *testing.T) {
	file := load[linkVectors](t, linksFile)
	if len(file.Keys) == 0 {
		t.Fatal("no vectors")
	}
	for name, k := range file.Keys {
		key := ed25519.NewKeyFromSeed(unhex(t, k.Seed)).Public().(ed25519.PublicKey)
		if hex.EncodeToString(key) != k.PublicKey || HubID(key) != k.HubID || PeerID(key) != k.PeerID {
			t.Error(name, hex.EncodeToString(key), HubID(key), PeerID(key))
		}
	}
	for _, v := range some(t, file.HubIDs) {
		key, ok := ParseHubID(v.Text)
		if ok != v.Accept || ok && hex.EncodeToString(key) != v.Key {
			t.Error(v, ok)
		}
	}
}

func TestDelegationsAndRevocationsOfKeys(t *testing.T) {
	file := load[linkVectors](t, linksFile)
	for _, v := range some(t, file.Delegations) {
		d, ok := DelegationLine(v.Line)
		if ok = ok && d.Fits(); ok != v.Accept || v.Signed.UTF8 != "" && string(d.message) != v.Signed.UTF8 {
			t.Errorf("%v: %v", v, ok)
		}
	}
	for _, v := range some(t, file.KeyRevocations) {
		r, ok := KeyRevocationLine(v.Line)
		if ok = ok && r.Fits(); ok != v.Accept || v.Signed.UTF8 != "" && string(r.message) != v.Signed.UTF8 {
			t.Errorf("%v: %v", v, ok)
		}
	}
}

func TestLinesThatNobodyTakes(t *testing.T) {
	judged := 0
	for _, v := range some(t, load[linkVectors](t, linksFile).Malformed) {
		var taken bool
		switch v.Kind {
		case "delegation":
			_, taken = DelegationLine(v.Line)
		case "key-revocation":
			_, taken = KeyRevocationLine(v.Line)
		default:
			_, taken = SuccessionLine(v.Line)
		}
		judged++
		if taken {
			t.Error(v)
		}
	}
	if judged < 20 {
		t.Error("only", judged, "lines")
	}
}

func TestGrantsOnTheWire(t *testing.T) {
	read := 0
	for _, v := range some(t, load[linkVectors](t, linksFile).Treaties.Documents) {
		if v.Grant == nil {
			continue
		}
		read++
		if _, ok := ReadGrant(strict(t, v.Grant)); !ok {
			t.Error(v.entry)
		}
	}
	if read == 0 {
		t.Error("no grant")
	}
}

func TestInvites(t *testing.T) {
	file := load[linkVectors](t, linksFile).Invites
	for _, v := range some(t, file.Texts) {
		i, refusal := ReadInvite(v.Text, file.Now)
		if refusal != v.Refusal {
			t.Errorf("%v: %q", v.entry, refusal)
		}
		if v.Refusal != "" {
			continue
		}
		same := i.Hub == v.Says.Hub && hex.EncodeToString(i.Secret) == v.Says.Secret && i.Expires == v.Says.Expires &&
			len(i.Addresses) == len(v.Says.Addresses) && hex.EncodeToString(i.MacKey()) == v.Says.SecretSHA256
		if !same || i.Text() != v.Text {
			t.Errorf("%v: %+v", v.entry, i)
		}
	}
}

func TestFingerprints(t *testing.T) {
	for _, v := range some(t, load[linkVectors](t, linksFile).Fingerprints) {
		if got := Fingerprint(unhex(t, v.Transcript)); got != v.Fingerprint {
			t.Error(v, got)
		}
	}
}
