package harness

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Region is the region of all clients.
const Region = "us-east-1"

// Account is one account on a server, with its clients.
type Account struct {
	*Server
	// ID is the account's number.
	ID string
	// Config is what the clients are made of.
	Config aws.Config

	S3         *s3.Client
	DynamoDB   *dynamodb.Client
	Lambda     *lambda.Client
	APIGateway *apigateway.Client
	IAM        *iam.Client
	STS        *sts.Client
}

// accounts counts the accounts that were given out.
var accounts atomic.Int64

// Account is an account that nobody else uses. When the test fails, it shows
// what the server logged of the account.
func (s *Server) Account(t testing.TB) *Account {
	t.Helper()
	id := fmt.Sprintf("%012d", 100_000_000_000+accounts.Add(1))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log of account %s:\n%s", id, s.logOf(id))
		}
	})
	a := s.As(id, "test", "")
	a.ID = id
	return a
}

// As are the clients of a caller with these credentials. Those that nobody issued
// are the root of the account that a key id of twelve digits names, else of 000000000000.
func (s *Server) As(key, secret, token string) *Account {
	config := aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(s.URL),
		HTTPClient:   s.HTTP,
		Credentials:  credentials.NewStaticCredentialsProvider(key, secret, token),
		// What fails is to be seen.
		Retryer: func() aws.Retryer { return retry.NewStandard(onlyCutAnswers) },
		// As config.LoadDefaultConfig has them.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	return &Account{
		Server:     s,
		ID:         "000000000000",
		Config:     config,
		S3:         s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
		DynamoDB:   dynamodb.NewFromConfig(config),
		Lambda:     lambda.NewFromConfig(config),
		APIGateway: apigateway.NewFromConfig(config),
		IAM:        iam.NewFromConfig(config),
		STS:        sts.NewFromConfig(config),
	}
}

// onlyCutAnswers tries again where the client itself has cut the connection. It
// closes a request's body when the answer begins; net/http looks once more for
// the end of that body, takes what it then gets for a failure to write, and closes the
// connection. A server that answers within that moment is one on the same machine.
func onlyCutAnswers(o *retry.StandardOptions) {
	o.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		return aws.BoolTernary(errors.Is(err, net.ErrClosed))
	})}
	o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
}

// VirtualHosts is an S3 client that names buckets by host.
func (a *Account) VirtualHosts() *s3.Client {
	_, port, _ := strings.Cut(a.Addr, ":")
	return s3.NewFromConfig(a.Config, func(o *s3.Options) {
		o.BaseEndpoint = aws.String("http://s3.localhost.localstack.cloud:" + port)
	})
}

// logOf are the lines that name an account.
func (s *Server) logOf(account string) string {
	time.Sleep(100 * time.Millisecond) // the server's log waits for as long, at most
	var lines strings.Builder
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, account) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}
