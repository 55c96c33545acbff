package hub

import (
	"testing"
	"time"

	"go-peer/oap"
)

func TestNewsArePaced(t *testing.T) {
	h := &Hub{news: map[string]*pace{}}
	now := time.Unix(1_800_000_000, 0)
	for n := range newsBurst {
		if err := h.mayTell("a", now); err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
	failure, is := h.mayTell("a", now).(*oap.Failure)
	if !is || failure.Reason != "quota_peer" || failure.Status != 429 || failure.Wait != time.Second {
		t.Errorf("one too many: %+v", failure)
	}
	if err := h.mayTell("b", now); err != nil {
		t.Error("another hub:", err)
	}
	for n := range 3 {
		later := now.Add(time.Duration(n+1) * time.Second)
		if err := h.mayTell("a", later); err != nil {
			t.Errorf("%d s later: %v", n+1, err)
		}
		if h.mayTell("a", later) == nil {
			t.Errorf("%d s later there were two", n+1)
		}
	}
	if h.mayTell("a", now) == nil {
		t.Error("a clock that goes back gives one more")
	}
}
