package expression

import (
	"strings"
	"sync"
)

// cacheLimit is how many texts of each kind are kept. With the longest texts
// they take some 10 MB.
const cacheLimit = 512

// cache keeps parsed texts. When it is full it starts anew: programs send few
// texts, and what makes texts without end gains nothing from any of them.
type cache[T any] struct {
	mu sync.RWMutex
	m  map[string]*T
}

// get returns the kept value of text, or the one that parse makes. Errors are
// not kept.
func (c *cache[T]) get(text string, parse func(text string) (*T, error)) (*T, error) {
	c.mu.RLock()
	v, ok := c.m[text]
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	text = strings.Clone(text) // it may be part of a whole request
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= cacheLimit || c.m == nil {
		c.m = map[string]*T{}
	}
	c.m[text] = v
	return v, nil
}

var (
	conditionTexts  cache[parsedCondition]
	updateTexts     cache[parsedUpdate]
	projectionTexts cache[parsedProjection]
)
