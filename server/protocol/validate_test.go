package protocol

import (
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/logs"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/api/sqs"
)

// validateJSON decodes and validates a request whose body is JSON.
func validateJSON(t *testing.T, known api.Known, body string) error {
	t.Helper()
	in := known.NewInput()
	op := known.Spec()
	sh, s := planOf(in)
	d := &decoding{op: op}
	if err := (jsonNotation{}).decode(d, []byte(body), sh, s); err != nil {
		t.Fatal(err)
	}
	return Validate(op.Service, op, in, d.presence)
}

func TestValidation(t *testing.T) {
	const failed = "' failed to satisfy constraint: Member must "
	for _, c := range []struct {
		name  string
		known api.Known
		body  string
		code  string
		want  string
	}{
		{"a missing member", &dynamodb.DeleteItem, `{"Key":{}}`, "ValidationException",
			"1 validation error detected: Value null at 'tableName" + failed + "not be null"},
		{"an empty string is not a missing one", &dynamodb.DeleteItem, `{"TableName":"","Key":{}}`, "ValidationException",
			"1 validation error detected: Value '' at 'tableName" + failed + "have length greater than or equal to 1"},
		{"characters are counted, not bytes", &dynamodb.CreateTable, `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"` +
			strings.Repeat("é", 255) + `","AttributeType":"S"}]}`, "", ""},
		{"too long", &dynamodb.CreateTable, `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"` +
			strings.Repeat("é", 256) + `","AttributeType":"S"}]}`, "ValidationException",
			"1 validation error detected: Value '" + strings.Repeat("é", 256) + "' at 'attributeDefinitions.1.member.attributeName" + failed + "have length less than or equal to 255"},
		{"an ARN in the place of a name", &dynamodb.Query, `{"TableName":"arn:` + strings.Repeat("a", 1021) + `"}`, "ValidationException",
			"1 validation error detected: Value 'arn:" + strings.Repeat("a", 1021) + "' at 'tableName" + failed + "have length less than or equal to 1024"},
		{"a name where an ARN may be", &dynamodb.Query, `{"TableName":"a;"}`, "ValidationException",
			"2 validation errors detected: Value 'a;' at 'tableName" + failed + "have length greater than or equal to 3; " +
				"Value 'a;' at 'tableName" + failed + "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"},
		{"DynamoDB's control plane has words of its own", &dynamodb.CreateTable, `{"KeySchema":[]}`, "ValidationException",
			"The parameter 'TableName' is required but was not present in the request"},
		{"so it has for tags", &dynamodb.TagResource, `{}`, "ValidationException", "Invalid TableArn"},
		{"an empty list", &dynamodb.CreateTable, `{"TableName":"tab","KeySchema":[]}`, "ValidationException",
			"1 validation error detected: Value '[]' at 'keySchema" + failed + "have length greater than or equal to 1"},
		{"members of elements have the element's number", &dynamodb.CreateTable,
			`{"TableName":"tab","KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"KeyType":"hash"}]}`, "ValidationException",
			"2 validation errors detected: Value null at 'keySchema.2.member.attributeName" + failed + "not be null; " +
				"Value 'hash' at 'keySchema.2.member.keyType" + failed + "satisfy enum value set: [HASH, RANGE]"},
		{"a number", &dynamodb.Scan, `{"TableName":"tab","Limit":0}`, "ValidationException",
			"1 validation error detected: Value '0' at 'limit" + failed + "have value greater than or equal to 1"},
		{"a number that is not shown", &dynamodb.Query, `{"TableName":"tab","Limit":0}`, "ValidationException",
			"1 validation error detected: Value at 'Limit" + failed + "have value greater than or equal to 1"},
		{"an enumeration in the service's order", &dynamodb.Scan, `{"TableName":"tab","Select":"all"}`, "ValidationException",
			"1 validation error detected: Value 'all' at 'select" + failed + "satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"},
		{"entries of maps have their keys", &dynamodb.BatchWriteItem, `{"RequestItems":{"tab":[{"DeleteRequest":{}}]}}`, "ValidationException",
			"1 validation error detected: Value null at 'requestItems.tab.member.1.member.deleteRequest.key" + failed + "not be null"},
		{"an empty map", &dynamodb.BatchWriteItem, `{"RequestItems":{}}`, "ValidationException",
			"The requestItems parameter is required for BatchWriteItem"},
		{"a missing map", &lambda.TagResource, `{"Resource":"arn:aws:lambda:us-east-1:000000000000:function:f"}`, "ValidationException",
			"1 validation error detected: Value null at 'tags" + failed + "not be null"},
		{"values of maps", &dynamodb.BatchWriteItem, `{"RequestItems":{"tab":[]}}`, "ValidationException",
			"1 validation error detected: Value '{tab=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: " +
				"[Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"},
		{"keys of maps", &dynamodb.BatchWriteItem, `{"RequestItems":{"":[{}]}}`, "ValidationException",
			"1 validation error detected: Value '{=[WriteRequest()]}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: " +
				"[Member must have length less than or equal to 1024, Member must have length greater than or equal to 1]"},
		{"keys of maps that are names", &dynamodb.BatchWriteItem, `{"RequestItems":{"a":[{}]}}`, "ValidationException",
			"1 validation error detected: Value '{a=[WriteRequest()]}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: " +
				"[Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"},
		{"what is absent has no length", &dynamodb.Query, `{"TableName":"tab","IndexName":null}`, "", ""},
		{"a pattern", &logs.CreateLogGroup, `{"logGroupName":"a b"}`, "InvalidParameterException",
			"1 validation error detected: Value 'a b' at 'logGroupName" + failed + `satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`},
		{"elements that are simple are not numbered", &lambda.ListLayers, `{"CompatibleArchitecture":"z80"}`, "ValidationException",
			"1 validation error detected: Value 'z80' at 'compatibleArchitecture" + failed + "satisfy enum value set: [x86_64, arm64]"},
		{"lists of enums", &lambda.UpdateFunctionCode, `{"FunctionName":"f","Architectures":["z80"]}`, "ValidationException",
			"1 validation error detected: Value '[z80]' at 'architectures" + failed + "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]"},
		{"IAM has the query protocol's code", &iam.CreateUser, `{"UserName":"a b"}`, "ValidationError",
			"1 validation error detected: Value 'a b' at 'userName" + failed + `satisfy regular expression pattern: [\w+=,.@-]+`},
		{"SQS has words of its own", &sqs.SendMessage, `{"MessageBody":"m"}`, "MissingParameter",
			"The request must contain the parameter QueueUrl."},
		{"S3 checks for itself, but for what is missing", &s3.PutObjectTagging, `{"Bucket":"b","Key":""}`, "MalformedXML",
			"The XML you provided was not well-formed or did not validate against our published schema"},
	} {
		err := validateJSON(t, c.known, c.body)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		e, ok := err.(*api.Error)
		if !ok || e.Code != c.code || e.Message != c.want || e.Status != 400 {
			t.Errorf("%s:\ngot  %v\nwant %s: %s", c.name, err, c.code, c.want)
		}
	}
}

func TestValidationStopsAtTen(t *testing.T) {
	body := `{"TableName":"tab","KeySchema":[` + strings.Repeat(`{},`, 10) + `{}]}`
	err := validateJSON(t, &dynamodb.CreateTable, body)
	if err == nil || !strings.Contains(err.Error(), "10 validation errors detected: ") || strings.Count(err.Error(), "; ") != 9 {
		t.Error(err)
	}
}

func TestValidationShowsNoSecrets(t *testing.T) {
	err := validateJSON(t, &iam.CreateLoginProfile, `{"UserName":"u","Password":"`+strings.Repeat("s", 200)+`"}`)
	if err == nil || strings.Contains(err.Error(), "sss") || !strings.Contains(err.Error(), "Value at 'password' failed") {
		t.Error(err)
	}
}
