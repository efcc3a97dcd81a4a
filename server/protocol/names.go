package protocol

import "strings"

// names are the limits of names where a service also takes ARNs: its model then
// has limits that both fit in, and the service looks at names more closely.
type names struct {
	// members have names: as strings, or as the keys of maps.
	members map[string]bool
	limits  limits
}

// namesIn are the limits of the names in a member; nil when it has none.
func (st *validationStyle) namesIn(m *member) *names {
	if st.names == nil || !st.names.members[m.name] {
		return nil
	}
	return st.names
}

// misfit says that a string is a name that breaks the limits. An empty one
// breaks those of the model.
func (n *names) misfit(s string) bool {
	if s == "" || strings.HasPrefix(s, "arn:") {
		return false
	}
	if float64(len(s)) < n.limits.min.value || float64(len(s)) > n.limits.max.value {
		return true
	}
	for i := range len(s) { // as the pattern has it, which takes longer
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' {
			continue
		}
		return true
	}
	return false
}
