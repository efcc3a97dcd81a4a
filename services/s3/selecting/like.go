package selecting

// likePattern is a pattern of LIKE: characters, any one of them, and any number.
type likePattern []likeRune

type likeRune struct {
	r        rune
	one, any bool
}

// parseLike reads a pattern. An escape may stand before "%", "_" and itself only.
func parseLike(pattern, escape string) (likePattern, bool) {
	var p likePattern
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case escape != "" && string(r) == escape:
			if i++; i == len(runes) || runes[i] != '%' && runes[i] != '_' && string(runes[i]) != escape {
				return nil, false
			}
			p = append(p, likeRune{r: runes[i]})
		case r == '%':
			if len(p) == 0 || !p[len(p)-1].any {
				p = append(p, likeRune{any: true})
			}
		default:
			p = append(p, likeRune{r: r, one: r == '_'})
		}
	}
	return p, true
}

// matches goes back to the last "%" only, so that it takes at most the
// product of the lengths.
func (p likePattern) matches(s []rune) bool {
	at, back, from := 0, -1, 0
	for i := 0; i < len(s); {
		switch {
		case at < len(p) && p[at].any:
			back, from = at, i
			at++
		case at < len(p) && (p[at].one || p[at].r == s[i]):
			at++
			i++
		case back >= 0:
			from++
			at, i = back+1, from
		default:
			return false
		}
	}
	for at < len(p) && p[at].any {
		at++
	}
	return at == len(p)
}
