package protocol

import (
	"slices"
	"testing"

	"github.com/virga-cloud/virga/api/catalog"
)

// unchecked are the patterns that look ahead or behind, which Go's engine does
// not. A service that cares checks them itself.
var unchecked = []string{
	`^(?!\s*$).+`,
	`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`,
	`((?!^\d+$)^[0-9a-zA-Z-_]+$)`,
	`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`,
	`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`,
	`[0-9A-Za-z\.\-_]*(?<!\.)`,
	`(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]{1,64})(:((?!\d+$)[0-9a-zA-Z-_]+))?`,
	`^(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$`,
}

// All types of all services have a plan, and all other patterns compile.
func TestPlansOfAllServices(t *testing.T) {
	unknown := map[string]bool{}
	seen := map[*shape]bool{}
	var visit func(sh *shape)
	visit = func(sh *shape) {
		if sh == nil || seen[sh] {
			return
		}
		seen[sh] = true
		visit(sh.elem)
		for _, m := range sh.members {
			visit(m.shape)
			for _, l := range []limits{m.limits, m.itemLimits, m.keyLimits, m.valueLimits} {
				if l.pattern != nil && l.pattern.compile() == nil {
					unknown[l.pattern.text] = true
				}
			}
		}
	}
	for _, m := range catalog.Models {
		for _, op := range m.Operations {
			sh, _ := planOf(op.NewInput())
			visit(sh)
			sh, _ = planOf(op.NewOutput())
			visit(sh)
		}
	}
	for text := range unknown {
		if !slices.Contains(unchecked, text) {
			t.Errorf("cannot be checked: %s", text)
		}
	}
}
