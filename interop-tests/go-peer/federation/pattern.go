package federation

import (
	"slices"
	"strings"
)

// Allows tells that a pattern allows a topic.
func Allows(allowed, topic string) bool {
	met, ok := Meet(allowed, topic)
	return ok && met == topic && IsTopic(topic)
}

// IsTopic tells that a text is a topic.
func IsTopic(text string) bool {
	return len(text) <= topicBytes && pattern.MatchString(text) && !strings.Contains(text, "*")
}

// Meet is the pattern that allows what both allow.
func Meet(a, b string) (string, bool) {
	met, ok := meet(strings.Split(a, "/"), strings.Split(b, "/"))
	return strings.Join(met, "/"), ok
}

func meet(a, b []string) ([]string, bool) {
	switch {
	case len(a) == 0 || len(b) == 0:
		return nil, len(a) == len(b)
	case a[0] == "**":
		return b, true
	case b[0] == "**":
		return a, true
	}
	one := a[0]
	if one == "*" {
		one = b[0]
	} else if b[0] != "*" && b[0] != one {
		return nil, false
	}
	rest, ok := meet(a[1:], b[1:])
	return append([]string{one}, rest...), ok
}

// meetAll are the patterns that allow what some of both lists allow, ascending, without those that others cover.
func meetAll(a, b []string) []string {
	var all []string
	for _, x := range a {
		for _, y := range b {
			if met, ok := Meet(x, y); ok && len(met) <= topicBytes {
				all = append(all, met)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(slices.Clone(all), func(pattern string) bool {
		return slices.ContainsFunc(all, func(other string) bool {
			met, ok := Meet(pattern, other)
			return other != pattern && ok && met == pattern
		})
	})
}
