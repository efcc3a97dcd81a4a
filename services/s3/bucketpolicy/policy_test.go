package bucketpolicy

import (
	"errors"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const good = `"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	one := func(statement string) string { return `{"Version":"2012-10-17","Statement":[{` + statement + `}]}` }
	for name, c := range map[string]struct{ document, message string }{
		"good":                      {one(good), ""},
		"one statement, no list":    {`{"Statement":{` + good + `}}`, ""},
		"with everything":           {one(good + `,"Sid":"a b","Condition":{"StringEquals":{"aws:PrincipalOrgID":["o-1"]},"Bool":{"aws:SecureTransport":true}}`), ""},
		"another way":               {one(`"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"s3:Get*","NotResource":["arn:aws:s3:::b"]`), ""},
		"any action":                {one(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/r"},"Action":"*","Resource":"arn:aws:s3:::b"`), ""},
		"empty":                     {"", "Policies must be valid JSON and the first byte must be '{'"},
		"no JSON":                   {"{", "Policies must be valid JSON and the first byte must be '{'"},
		"a list":                    {"[]", "Policies must be valid JSON and the first byte must be '{'"},
		"nothing in it":             {"{}", "Missing required field Statement"},
		"no statements":             {`{"Statement":[]}`, "Could not parse the policy: Statement is empty!"},
		"another version":           {`{"Version":"2020-01-01","Statement":{` + good + `}}`, "The policy must contain a valid version string"},
		"a field of its own":        {one(good + `,"Who":1`), "Unknown field Who"},
		"no effect":                 {one(`"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`), "Missing required field Effect"},
		"an effect that is none":    {one(strings.Replace(good, "Allow", "allow", 1)), "Invalid effect: allow"},
		"no principal":              {one(`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`), "Missing required field Principal"},
		"no action":                 {one(`"Effect":"Allow","Principal":"*","Resource":"arn:aws:s3:::b/*"`), "Missing required field Action"},
		"no resource":               {one(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject"`), "Missing required field Resource"},
		"a principal that is none":  {one(strings.Replace(good, `"*"`, `{"AWS":"me"}`, 1)), "Invalid principal in policy"},
		"an unknown kind":           {one(strings.Replace(good, `"*"`, `{"User":"*"}`, 1)), "Invalid principal in policy"},
		"an action that is none":    {one(strings.Replace(good, "GetObject", "GetObjects", 1)), "Policy has invalid action"},
		"another service's action":  {one(strings.Replace(good, "s3:GetObject", "sqs:SendMessage", 1)), "Policy has invalid action"},
		"another bucket":            {one(strings.Replace(good, ":::b/", ":::bb/", 1)), "Policy has invalid resource"},
		"any resource":              {one(strings.Replace(good, "arn:aws:s3:::b/*", "*", 1)), "Policy has invalid resource"},
		"an action of buckets":      {one(strings.Replace(good, "GetObject", "ListBucket", 1)), "Action does not apply to any resource(s) in statement"},
		"a condition that is none":  {one(good + `,"Condition":{"StringIs":{"aws:UserAgent":"a"}}`), "Invalid Condition type : StringIs"},
		"an action that is null":    {one(strings.Replace(good, `"s3:GetObject"`, `null`, 1)), "Invalid policy syntax."},
		"more than twenty kilobyte": {one(good + `,"Sid":"` + strings.Repeat("x", MaxSize) + `"`), "Normalized policy document exceeds the maximum allowed size of 20480 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(c.document, "b")
			if c.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := errors.AsType[*api.Error](err)
			if !ok || e.Code != "MalformedPolicy" || e.Message != c.message {
				t.Fatalf("%v, want %s", err, c.message)
			}
		})
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		effect, principal, condition string
		public                       bool
	}{
		"everybody":                   {"Allow", `"*"`, `{}`, true},
		"everybody, differently":      {"Allow", `{"AWS":["*"]}`, `{}`, true},
		"nobody":                      {"Deny", `"*"`, `{}`, false},
		"an account":                  {"Allow", `{"AWS":"111122223333"}`, `{}`, false},
		"a service":                   {"Allow", `{"Service":"logging.s3.amazonaws.com"}`, `{}`, false},
		"an organisation":             {"Allow", `"*"`, `{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`, false},
		"a pattern":                   {"Allow", `"*"`, `{"StringLike":{"aws:SourceVpc":"vpc-*"}}`, true},
		"a pattern without wildcards": {"Allow", `"*"`, `{"StringLike":{"aws:SourceVpc":"vpc-91237329"}}`, false},
		"all but one":                 {"Allow", `"*"`, `{"StringNotEquals":{"aws:SourceVpc":"vpc-91237329"}}`, true},
		"only if it is there":         {"Allow", `"*"`, `{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}`, true},
		"a network":                   {"Allow", `"*"`, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, false},
		"half of all networks":        {"Allow", `"*"`, `{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/1"]}}`, true},
		"over TLS":                    {"Allow", `"*"`, `{"Bool":{"aws:SecureTransport":"true"}}`, true},
		"any access point of one":     {"Allow", `"*"`, `{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:111122223333:accesspoint/*"}}`, false},
		"any access point":            {"Allow", `"*"`, `{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:*:accesspoint/a"}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Parse(`{"Statement":{"Effect":"`+c.effect+`","Principal":`+c.principal+`,"Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":`+c.condition+`}}`, "b")
			if err != nil {
				t.Fatal(err)
			}
			if p.Public() != c.public {
				t.Errorf("public: %v", p.Public())
			}
		})
	}
}

// Whatever is sent, it is read or refused.
func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:*"],"Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":true}}}]}`)
	f.Add(`{"Statement":[null,1,"",{}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		p, err := Parse(document, "b")
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if p != nil {
			p.Public()
		}
	})
}
