package protocol

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/cloudwatch"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/sqs"
	"github.com/virga-cloud/virga/api/sts"
)

// decodeForm reads a request whose parameters are lines of name=value, not escaped.
func decodeForm(op api.Known, lines string) (in any, presence api.Presence, err error) {
	values := url.Values{"Action": {op.Spec().Name}, "Version": {op.Spec().Service.Version}}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values.Add(name, value)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(values.Encode()))
	in = op.NewInput()
	presence, err = For(api.Query).Decode(op.Spec(), r, URI{}, in)
	return in, presence, err
}

func TestFormRequests(t *testing.T) {
	for _, c := range []struct {
		name  string
		op    api.Known
		lines string
		want  any
	}{
		{
			"structures in a list, out of order, with indices that are not dense",
			&iam.CreateRole,
			`RoleName=r
			 Tags.member.10.Key=ten
			 Tags.member.9.Key=nine
			 Tags.member.9.Value=a=b&c
			 Tags.member.999999999999999999999.Key=last
			 MaxSessionDuration=3600
			 Unknown.member.1=x`,
			&iam.CreateRoleInput{
				RoleName: "r", MaxSessionDuration: new(int32(3600)),
				Tags: []*iam.Tag{{Key: "nine", Value: "a=b&c"}, {Key: "ten"}, {Key: "last"}},
			},
		},
		{
			"an empty list is there",
			&iam.CreateRole,
			`Tags=`,
			&iam.CreateRoleInput{Tags: []*iam.Tag{}},
		},
		{
			"lists in structures in lists, floats and times",
			&cloudwatch.PutMetricData,
			`Namespace=n
			 MetricData.member.1.MetricName=m
			 MetricData.member.1.Timestamp=2024-01-02T03:04:05.678Z
			 MetricData.member.1.Values.member.1=1.5
			 MetricData.member.1.Values.member.2=-1e3
			 MetricData.member.1.Dimensions.member.1.Name=d
			 MetricData.member.1.Dimensions.member.1.Value=v`,
			&cloudwatch.PutMetricDataInput{Namespace: "n", MetricData: []*cloudwatch.MetricDatum{{
				MetricName: "m", Timestamp: time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC), Values: []float64{1.5, -1000},
				Dimensions: []*cloudwatch.Dimension{{Name: "d", Value: "v"}},
			}}},
		},
		{
			"SQS: flattened maps under their old names",
			&sqs.CreateQueue,
			`QueueName=q
			 Attribute.1.Name=VisibilityTimeout
			 Attribute.1.Value=40
			 Attribute.2.Name=DelaySeconds
			 Attribute.2.Value=
			 Tag.1.Key=k
			 Tag.1.Value=v`,
			&sqs.CreateQueueInput{
				QueueName: "q", Attributes: map[string]string{"VisibilityTimeout": "40", "DelaySeconds": ""},
				Tags: map[string]string{"k": "v"},
			},
		},
		{
			"SQS: flattened lists of structures that hold maps of structures",
			&sqs.SendMessageBatch,
			`QueueUrl=u
			 SendMessageBatchRequestEntry.1.Id=one
			 SendMessageBatchRequestEntry.1.MessageBody=+ %41
			 SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=a
			 SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Binary
			 SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue=AQID
			 SendMessageBatchRequestEntry.2.Id=two`,
			&sqs.SendMessageBatchInput{QueueUrl: "u", Entries: []*sqs.SendMessageBatchRequestEntry{
				{Id: "one", MessageBody: "+ %41", MessageAttributes: map[string]*sqs.MessageAttributeValue{
					"a": {DataType: "Binary", BinaryValue: []byte{1, 2, 3}},
				}},
				{Id: "two"},
			}},
		},
		{
			"SQS: names of attributes",
			&sqs.ReceiveMessage,
			`AttributeName.1=All
			 MessageAttributeName.1=x
			 MessageAttributeName.2=y
			 WaitTimeSeconds= 5 `,
			&sqs.ReceiveMessageInput{
				AttributeNames: []sqs.QueueAttributeName{"All"}, MessageAttributeNames: []string{"x", "y"},
				WaitTimeSeconds: new(int32(5)),
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, _, err := decodeForm(c.op, c.lines)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, in); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFormOfURI: query services take their parameters from the URI as well.
func TestFormOfURI(t *testing.T) {
	r := httptest.NewRequest("GET", "/?Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam&RoleSessionName=a+b&Tags.member.1.Key=k", nil)
	in := new(sts.AssumeRoleInput)
	if _, err := For(api.Query).Decode(sts.AssumeRole.Spec(), r, URI{}, in); err != nil {
		t.Fatal(err)
	}
	want := &sts.AssumeRoleInput{RoleArn: "arn:aws:iam", RoleSessionName: "a b", Tags: []*sts.Tag{{Key: "k"}}}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}

func TestFormPresence(t *testing.T) {
	in, presence, err := decodeForm(&iam.CreateRole, "RoleName=\nTags.member.1.Value=")
	if err != nil {
		t.Fatal(err)
	}
	role := in.(*iam.CreateRoleInput)
	for name, c := range map[string]struct {
		field *string
		want  bool
	}{
		"RoleName":   {&role.RoleName, true},
		"Path":       {&role.Path, false},
		"Tags.Value": {&role.Tags[0].Value, true},
		"Tags.Key":   {&role.Tags[0].Key, false},
	} {
		if got := presence.Sent(c.field); got != c.want {
			t.Errorf("%s: sent is %v, want %v", name, got, c.want)
		}
	}
}

func TestMalformedForms(t *testing.T) {
	for name, c := range map[string]struct {
		op         api.Known
		form, code string
	}{
		"open escape":               {&iam.CreateRole, "RoleName=%4", "MalformedQueryString"},
		"escape that is none":       {&iam.CreateRole, "RoleName=%zz", "MalformedQueryString"},
		"escape in a name":          {&iam.CreateRole, "%=1", "MalformedQueryString"},
		"not UTF-8":                 {&iam.CreateRole, "RoleName=%ff", "MalformedQueryString"},
		"number that is none":       {&iam.CreateRole, "MaxSessionDuration=1x", "MalformedInput"},
		"number that is too large":  {&iam.CreateRole, "MaxSessionDuration=2147483648", "MalformedInput"},
		"empty number":              {&iam.CreateRole, "MaxSessionDuration=", "MalformedInput"},
		"structure for a scalar":    {&iam.CreateRole, "RoleName.member.1=a", "MalformedInput"},
		"scalar for a list":         {&iam.CreateRole, "Tags=a", "MalformedInput"},
		"scalar for a structure":    {&iam.CreateRole, "Tags.member.1=a", "MalformedInput"},
		"entry without a key":       {&sqs.CreateQueue, "Attribute.1.Value=a", "MalformedInput"},
		"float in Go's own grammar": {&cloudwatch.PutMetricData, "MetricData.member.1.Value=0x1p4", "MalformedInput"},
		"time that is none":         {&cloudwatch.PutMetricData, "MetricData.member.1.Timestamp=now", "MalformedInput"},
		"blob that is none":         {&sqs.SendMessage, "MessageAttribute.1.Name=a&MessageAttribute.1.Value.BinaryValue=%21", "MalformedInput"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader("Action=x&"+c.form))
			_, err := For(api.Query).Decode(c.op.Spec(), r, URI{}, c.op.NewInput())
			if e, ok := err.(*api.Error); !ok || e.Code != c.code || e.Status != 400 {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
}

// TestEC2Names: EC2's requests have a name of their own, or the XML name with a
// capital, and lists without wrappers.
func TestEC2Names(t *testing.T) {
	type tag struct {
		Key string `aws:"Key,name=key"`
	}
	type specification struct {
		Tags []*tag `aws:"Tags,name=Tag,item=item"`
	}
	type input struct {
		ResourceIDs    []string         `aws:"ResourceIds,name=resourceSet,ec2=ResourceId,item=item"`
		DryRun         *bool            `aws:"DryRun,name=dryRun"`
		Specifications []*specification `aws:"Specifications,name=tagSpecificationSet,ec2=TagSpecification,item=item"`
	}
	in := new(input)
	r := httptest.NewRequest("POST", "/", strings.NewReader("Action=Op&DryRun=true&ResourceId.2=b&ResourceId.1=a&TagSpecification.1.Tag.1.Key=k"))
	op := &api.Operation{Name: "Op", Service: &api.Service{Name: "ec2"}}
	if _, err := For(api.EC2).Decode(op, r, URI{}, in); err != nil {
		t.Fatal(err)
	}
	want := &input{
		ResourceIDs: []string{"a", "b"}, DryRun: new(true),
		Specifications: []*specification{{Tags: []*tag{{Key: "k"}}}},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}

func TestFormAnswers(t *testing.T) {
	created := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	const metadata = `<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>`
	for _, c := range []struct {
		name string
		op   *api.Operation
		out  any
		want string
	}{
		{
			"a result in its wrapper",
			iam.CreateRole.Spec(),
			&iam.CreateRoleOutput{Role: &iam.Role{
				Path: "/", RoleName: "r", RoleId: "AROA", Arn: "arn:aws:iam::000000000000:role/r", CreateDate: created,
				Tags: []*iam.Tag{{Key: "k", Value: ""}},
			}},
			`<CreateRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateRoleResult><Role><Path>/</Path><RoleName>r</RoleName>` +
				`<RoleId>AROA</RoleId><Arn>arn:aws:iam::000000000000:role/r</Arn><CreateDate>2024-05-06T07:08:09Z</CreateDate>` +
				`<Tags><member><Key>k</Key><Value></Value></member></Tags></Role></CreateRoleResult>` + metadata + `</CreateRoleResponse>`,
		},
		{
			"an operation without output has no result",
			iam.DeleteRole.Spec(),
			&iam.DeleteRoleOutput{},
			`<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">` + metadata + `</DeleteRoleResponse>`,
		},
		{
			"a list that is required is there when it is empty",
			iam.ListRoles.Spec(),
			&iam.ListRolesOutput{IsTruncated: new(false)},
			`<ListRolesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListRolesResult><Roles></Roles><IsTruncated>false</IsTruncated></ListRolesResult>` +
				metadata + `</ListRolesResponse>`,
		},
		{
			"SQS: flattened lists and maps under their old names",
			sqs.ReceiveMessage.Spec(),
			&sqs.ReceiveMessageOutput{Messages: []*sqs.Message{{
				MessageId: "m", Body: "b", Attributes: map[string]string{"SentTimestamp": "1", "SenderId": "s"},
				MessageAttributes: map[string]*sqs.MessageAttributeValue{"a": {StringValue: "x", DataType: "String"}},
			}}},
			`<ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ReceiveMessageResult><Message><MessageId>m</MessageId><Body>b</Body>` +
				`<Attribute><Name>SenderId</Name><Value>s</Value></Attribute><Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute>` +
				`<MessageAttribute><Name>a</Name><Value><StringValue>x</StringValue><DataType>String</DataType></Value></MessageAttribute>` +
				`</Message></ReceiveMessageResult>` + metadata + `</ReceiveMessageResponse>`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			w.Header().Set("X-Amzn-Requestid", "id-1")
			if err := For(api.Query).Encode(c.op, w, c.out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, w.Body.String()); diff != "" {
				t.Error(diff)
			}
			if got := w.Header().Get("Content-Type"); got != "text/xml" {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
}

func TestEC2Answer(t *testing.T) {
	type output struct {
		Set []string `aws:"Set,name=resourceSet,item=item"`
	}
	op := &api.Operation{Name: "Op", Service: &api.Service{Name: "ec2", XMLNamespace: "http://ec2.amazonaws.com/doc/2016-11-15/"}}
	w := httptest.NewRecorder()
	w.Header().Set("X-Amzn-Requestid", "id-1")
	if err := For(api.EC2).Encode(op, w, &output{Set: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	want := xmlDeclaration + `<OpResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id-1</requestId><resourceSet><item>a</item></resourceSet></OpResponse>`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
}

// FuzzForm: no form panics the decoder or makes it allocate out of proportion.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String",
		"SendMessageBatchRequestEntry.999999999.Id=a", "QueueUrl=%41+b", "a.b.c.=&.=&..&=&&", "SendMessageBatchRequestEntry=", "QueueUrl.1=",
		strings.Repeat("SendMessageBatchRequestEntry.", 200) + "=1",
	} {
		f.Add(seed)
	}
	op := sqs.SendMessageBatch.Spec()
	f.Fuzz(func(t *testing.T, form string) {
		in := new(sqs.SendMessageBatchInput)
		sh, s := planOf(in)
		if err := (formNotation{}).decode(&decoding{op: op}, []byte(form), sh, s); err != nil {
			return
		}
		if n := len(in.Entries); n > len(form)/len("SendMessageBatchRequestEntry.1") {
			t.Errorf("%d entries of %d bytes", n, len(form))
		}
	})
}
