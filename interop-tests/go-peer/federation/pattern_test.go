package federation

import "testing"

func TestPatternsAndWhatTwoOfThemAllow(t *testing.T) {
	file := load[struct {
		Patterns []struct {
			Pattern         string
			Allows, Refuses []string
		}
		Meets []struct {
			A, B string
			Meet *string
		}
	}](t, "capabilities.json")
	for _, v := range some(t, file.Patterns) {
		for _, topic := range v.Allows {
			if !Allows(v.Pattern, topic) {
				t.Error(v.Pattern, "does not allow", topic)
			}
		}
		for _, topic := range v.Refuses {
			if Allows(v.Pattern, topic) {
				t.Error(v.Pattern, "allows", topic)
			}
		}
	}
	for _, v := range some(t, file.Meets) {
		met, ok := Meet(v.A, v.B)
		if back, _ := Meet(v.B, v.A); ok != (v.Meet != nil) || ok && (met != *v.Meet || back != met) {
			t.Errorf("%+v: %s %v", v, met, ok)
		}
	}
}
