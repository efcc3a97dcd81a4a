package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// maxTrailers is how many trailers a body may have; S3 knows of one.
const maxTrailers = 16

const trailerSignature = "X-Amz-Trailer-Signature"

// declaredTrailers are the canonical names in X-Amz-Trailer.
func declaredTrailers(lines []string) (names []string, err error) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				if len(names) == maxTrailers {
					return nil, malformedTrailer()
				}
				names = append(names, textproto.CanonicalMIMEHeaderKey(name))
			}
		}
	}
	return names, nil
}

// readTrailers reads what follows the last chunk, to the empty line that ends it.
// The trailers must be those that were announced, neither more nor fewer.
func (c *chunkedBody) readTrailers() error {
	c.trailers = http.Header{}
	signature := ""
	for {
		line, err := c.src.ReadSlice('\n')
		if err != nil {
			return broken(err)
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
		if len(line) == 0 {
			// The signature may stand behind an empty line, as it does in AWS's
			// description of the form.
			if c.signed && c.trailer && signature == "" && len(c.trailers) > 0 && c.moreFollows() {
				continue
			}
			break
		}
		if !c.trailer {
			return brokenChunks(nil)
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 {
			return malformedTrailer()
		}
		key := textproto.CanonicalMIMEHeaderKey(string(bytes.TrimSpace(name)))
		text := string(bytes.TrimSpace(value))
		switch {
		case key == trailerSignature:
			if signature != "" || !c.signed {
				return malformedTrailer()
			}
			signature = text
		case !slices.Contains(c.declared, key), c.trailers[key] != nil:
			return malformedTrailer()
		default:
			c.trailers[key] = []string{text}
		}
	}
	if len(c.trailers) != len(c.declared) {
		return malformedTrailer()
	}
	if !c.signed && len(c.trailers) > 0 { // behind unsigned trailers minio-go sends a second empty line
		if end, _ := c.src.Peek(2); string(end) == "\r\n" {
			c.src.Discard(2)
		}
	}
	if c.signed && c.trailer && len(c.trailers) > 0 {
		return c.checkTrailers(signature)
	}
	return nil
}

// moreFollows says whether the body goes on.
func (c *chunkedBody) moreFollows() bool {
	_, err := c.src.Peek(1)
	return err == nil
}

// checkTrailers verifies the signature over the trailers, sorted by name.
func (c *chunkedBody) checkTrailers(signature string) error {
	if !c.plausible([]byte(signature)) {
		return malformedTrailer()
	}
	if c.seal == nil {
		return nil
	}
	names := make([]string, 0, len(c.trailers))
	for name := range c.trailers {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		h.Write([]byte(strings.ToLower(name) + ":" + c.trailers[name][0] + "\n"))
	}
	return c.seal.check(hex.AppendEncode(c.seal.begin("-TRAILER\n"), h.Sum(nil)), signature)
}
