package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/storage"
)

// A transfer is an import or an export: it has a record that tells how far it
// has come, and a task that carries it on, also after a restart.
type transfer struct {
	Account, Region, ID string
	// Principal is who asked for it: S3 is asked on that behalf.
	Principal api.Principal
}

// call is the context in which a transfer asks S3.
func (s *Service) call(ctx context.Context, f *transfer) context.Context {
	return api.WithCall(ctx, &api.Call{
		Account: f.Account, Region: f.Region, Principal: f.Principal, RequestID: s.env.IDs.UUID(), Time: s.env.Clock.Now(),
	})
}

// newTransfer is a transfer that the call asks for. Its id begins with the
// time, so that transfers sort by when they began.
func (s *Service) newTransfer(call *api.Call) transfer {
	return transfer{
		Account: call.Account, Region: call.Region, Principal: call.Principal,
		ID: fmt.Sprintf("%014d-%s", call.Time.UnixMilli(), s.env.IDs.String("0123456789abcdef", 8)),
	}
}

// transferID is the id in the ARN of an import or export; "" when it is no such ARN.
func transferID(arn, kind string) (account, region, id string) {
	a, err := api.ParseARN(arn)
	if err != nil || a.Service != "dynamodb" {
		return "", "", ""
	}
	parts := strings.Split(a.Resource, "/")
	if len(parts) != 4 || parts[0] != "table" || parts[2] != kind {
		return "", "", ""
	}
	return a.Account, a.Region, parts[3]
}

// tokenFor is how long a client token stands for the transfer it first came with.
const tokenFor = 8 * time.Hour

// tokened recognises a request that is sent again with its token.
type tokened struct {
	Token   string
	Request [sha256.Size]byte
	At      time.Time
}

func newTokened(call *api.Call, token string, in any) (tokened, error) {
	text, err := json.Marshal(in)
	return tokened{Token: token, Request: sha256.Sum256(text), At: call.Time}, err
}

// before finds the record that the same token made, nil when there is none.
// conflict is the error of a token that came with another request.
func before[T any](tx storage.Tx, prefix storage.Key, a tokened, of func(*T) tokened, conflict error) (*T, error) {
	for r, err := range storage.Records[T](tx, storage.Prefix(prefix)) {
		if err != nil {
			return nil, err
		}
		other := of(r.Value)
		if a.Token == "" || other.Token != a.Token || a.At.Sub(other.At) >= tokenFor {
			continue
		}
		if other.Request != a.Request {
			return nil, conflict
		}
		return r.Value, nil
	}
	return nil, nil
}

// listTransfers gives a page of transfers, the latest first, of which keep says
// whether they are wanted, and the token of the next page.
func listTransfers[T any](tx storage.Tx, prefix storage.Key, token string, limit int, keep func(*T) bool) (list []*T, next string, err error) {
	r := storage.Prefix(prefix)
	r.Reverse = true
	if token != "" {
		id, err := hex.DecodeString(token)
		if err != nil {
			return nil, "", errValidation("Invalid NextToken")
		}
		r.End = prefix.String(strings.TrimRight(string(id), "\x00"))
	}
	last := ""
	for e, err := range storage.Records[T](tx, r) {
		switch {
		case err != nil:
			return nil, "", err
		case !keep(e.Value):
			continue
		case len(list) == limit:
			return list, transferToken(last), nil
		}
		list = append(list, e.Value)
		k := storage.ReadKey(e.Key).Skip(len(prefix))
		if last = k.String(); k.Err() != nil {
			return nil, "", k.Err()
		}
	}
	return list, "", nil
}

// transferToken is an id in the form that AWS's model wants of tokens.
func transferToken(id string) string {
	const least = 112 / 2
	b := append([]byte(id), make([]byte, max(0, least-len(id)))...)
	return hex.EncodeToString(b)
}

// failure is what AWS tells of a transfer that S3 stopped; ok is false for an
// error that may pass.
func failure(err error) (code, message string, ok bool) {
	var plain *api.Error
	if errors.As(err, &plain) {
		return "S3" + plain.Code, plain.Message, true
	}
	var modelled api.ModelledError
	if errors.As(err, &modelled) {
		_, text, _ := strings.Cut(modelled.Error(), ": ")
		return "S3" + modelled.Shape().WireCode(), text, true
	}
	return "", "", false
}

// count makes the pointer to a number that descriptions have.
func count[N ~int | ~int64](n N) *int64 { return new(int64(n)) }
