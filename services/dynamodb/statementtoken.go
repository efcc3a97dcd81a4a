package dynamodb

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// statementPlace is where a page of a SELECT begins: in which of its ranges,
// and behind which key, nil for all of the range.
type statementPlace struct {
	number int
	after  item.Item
}

// A token is the digest of the request that it belongs to, the number of the
// range and the key, encoded as an item.

func errStatementToken() error { return errValidation("Invalid NextToken") }

// token is what a request continues at the place with; "" for nil.
func (p *statementPlace) token(request [sha256.Size]byte) string {
	if p == nil {
		return ""
	}
	b := binary.AppendUvarint(request[:], uint64(p.number))
	if p.after != nil {
		b = append(b, item.Encode(p.after, item.Size(p.after))...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// parseStatementToken is the place that a token of the request means.
func parseStatementToken(token string, request [sha256.Size]byte) (at statementPlace, err error) {
	if token == "" {
		return at, nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) <= sha256.Size {
		return at, errStatementToken()
	}
	if [sha256.Size]byte(b) != request {
		return at, errValidation("NextToken does not match request")
	}
	b = b[sha256.Size:]
	number, n := binary.Uvarint(b)
	if n <= 0 || number > 1<<16 {
		return at, errStatementToken()
	}
	at.number = int(number)
	if len(b) == n {
		return at, nil
	}
	// What a client sends back need not be what it was sent.
	after, err := item.Decode(b[n:])
	if err == nil {
		at.after, err = item.Normalise(after)
	}
	if err != nil {
		return at, errStatementToken()
	}
	return at, nil
}

// checkPlace checks a key that a token told.
func (s *source) checkPlace(key item.Item) error {
	for _, k := range []*keySchema{&s.keySchema, s.keys} {
		for i, a := range k.all {
			if a.check(key[a.name], i < len(k.partition)) != nil {
				return errStatementToken()
			}
		}
	}
	return nil
}

// statementDigest is the same for the same statements with the same parameters.
func statementDigest(text string, parameters []attribute.Value) [sha256.Size]byte {
	b := binary.AppendUvarint(nil, uint64(len(text)))
	b = append(b, text...)
	for _, v := range parameters {
		b = attribute.AppendJSON(b, v)
	}
	return sha256.Sum256(b)
}
