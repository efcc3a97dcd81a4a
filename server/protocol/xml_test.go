package protocol

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

// encodeXML is the body of an answer of REST XML.
func encodeXML(t testing.TB, op *api.Operation, out any) string {
	t.Helper()
	sh, s := planOf(out)
	e := encoding{op: op}
	var err error
	if sh.payload != nil {
		err = xmlNotation{}.encodePayload(&e, sh.payload, s)
	} else {
		err = xmlNotation{}.encode(&e, sh, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(e.buf)
}

// decodeXML reads a request's body.
func decodeXML(op *api.Operation, in any, body string) (api.Presence, error) {
	sh, s := planOf(in)
	d := decoding{op: op}
	var err error
	if sh.payload != nil {
		err = xmlNotation{}.decodePayload(&d, []byte(body), sh.payload, s)
	} else {
		err = xmlNotation{}.decode(&d, []byte(body), sh, s)
	}
	return d.presence, err
}

func TestXMLAnswers(t *testing.T) {
	const xmlns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	modified := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, c := range []struct {
		name string
		op   *api.Operation
		out  any
		want string
	}{
		{
			"a flattened list repeats its element, and times have milliseconds",
			s3.ListObjectsV2.Spec(),
			&s3.ListObjectsV2Output{
				Name: "b", KeyCount: new(int32(1)), IsTruncated: new(false),
				Contents: []*s3.Object{{Key: "a&<b>\r\n\x01", LastModified: modified, ETag: `"e"`, Size: new(int64(0))}},
			},
			`<ListBucketResult` + xmlns + `><IsTruncated>false</IsTruncated><Contents><Key>a&amp;&lt;b&gt;&#xD;&#xA;&#x1;</Key>` +
				`<LastModified>2024-05-06T07:08:09.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>0</Size></Contents>` +
				`<Name>b</Name><KeyCount>1</KeyCount></ListBucketResult>`,
		},
		{
			"two lists with holes come in one order",
			s3.ListObjectVersions.Spec(),
			&s3.ListObjectVersionsOutput{
				Versions:       []*s3.ObjectVersion{nil, {Key: "a"}, nil, nil, {Key: "d"}},
				DeleteMarkers:  []*s3.DeleteMarkerEntry{{Key: "a"}, nil, {Key: "b"}, {Key: "c"}},
				CommonPrefixes: []*s3.CommonPrefix{{Prefix: "p"}, {Prefix: "q"}},
			},
			`<ListVersionsResult` + xmlns + `><DeleteMarker><Key>a</Key></DeleteMarker><Version><Key>a</Key></Version>` +
				`<DeleteMarker><Key>b</Key></DeleteMarker><DeleteMarker><Key>c</Key></DeleteMarker><Version><Key>d</Key></Version>` +
				`<CommonPrefixes><Prefix>p</Prefix></CommonPrefixes><CommonPrefixes><Prefix>q</Prefix></CommonPrefixes></ListVersionsResult>`,
		},
		{
			"an attribute with a prefix declares it",
			s3.GetBucketAcl.Spec(),
			&s3.GetBucketAclOutput{
				Owner:  &s3.Owner{ID: "o"},
				Grants: []*s3.Grant{{Grantee: &s3.Grantee{ID: "g", Type: s3.TypeCanonicalUser}, Permission: s3.PermissionRead}},
			},
			`<AccessControlPolicy` + xmlns + `><Owner><ID>o</ID></Owner><AccessControlList><Grant>` +
				`<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>g</ID></Grantee>` +
				`<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`,
		},
		{
			"GetBucketLocation's root is its member",
			s3.GetBucketLocation.Spec(),
			&s3.GetBucketLocationOutput{LocationConstraint: s3.BucketLocationConstraintEuWest_1},
			`<LocationConstraint` + xmlns + `>eu-west-1</LocationConstraint>`,
		},
		{
			"GetBucketLocation of us-east-1 is empty",
			s3.GetBucketLocation.Spec(),
			&s3.GetBucketLocationOutput{},
			`<LocationConstraint` + xmlns + `></LocationConstraint>`,
		},
		{
			"a payload is its own root",
			s3.CopyObject.Spec(),
			&s3.CopyObjectOutput{CopyObjectResult: &s3.CopyObjectResult{ETag: "x"}},
			`<CopyObjectResult` + xmlns + `><ETag>x</ETag></CopyObjectResult>`,
		},
		{
			"a required string is written though it is empty",
			s3.GetObjectTagging.Spec(),
			&s3.GetObjectTaggingOutput{TagSet: []*s3.Tag{{Key: "k"}}},
			`<Tagging` + xmlns + `><TagSet><Tag><Key>k</Key><Value></Value></Tag></TagSet></Tagging>`,
		},
		{
			"a required list is written though it is empty",
			s3.GetObjectTagging.Spec(),
			&s3.GetObjectTaggingOutput{},
			`<Tagging` + xmlns + `><TagSet></TagSet></Tagging>`,
		},
		{
			"a root without members",
			s3.GetBucketVersioning.Spec(),
			&s3.GetBucketVersioningOutput{},
			`<VersioningConfiguration` + xmlns + `></VersioningConfiguration>`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(xmlDeclaration+c.want, encodeXML(t, c.op, c.out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestXMLRequests(t *testing.T) {
	for _, c := range []struct {
		name string
		op   api.Known
		body string
		want any
	}{
		{
			"declaration, comments, other prefixes, CDATA and entities",
			&s3.PutBucketTagging,
			"\ufeff<?xml version='1.0' encoding='utf-8' standalone=\"yes\"?>\r\n<!-- a - comment --><s:Tagging xmlns:s='x'>\n" +
				" <s:TagSet><s:Tag><s:Key>a<![CDATA[<&]]>b</s:Key><s:Value>&#x41;&#66;&amp;&lt;&gt;&quot;&apos;\r\n</s:Value></s:Tag>\t</s:TagSet></s:Tagging >\n<?pi ?>",
			&s3.PutBucketTaggingInput{Tagging: &s3.Tagging{TagSet: []*s3.Tag{{Key: "a<&b", Value: "AB&<>\"'\n"}}}},
		},
		{
			"what the model does not know is passed",
			&s3.DeleteObjects,
			`<Delete><New a="1"><Object/></New><Quiet> true </Quiet><Object><Key> k </Key></Object><Object><Key>l</Key></Object></Delete>`,
			&s3.DeleteObjectsInput{Delete: &s3.Delete{
				Quiet: new(true), Objects: []*s3.ObjectIdentifier{{Key: " k "}, {Key: "l"}},
			}},
		},
		{
			"an attribute, whatever its prefix",
			&s3.PutBucketAcl,
			`<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type='Group'><URI>u</URI></Grantee></Grant></AccessControlList></AccessControlPolicy>`,
			&s3.PutBucketAclInput{AccessControlPolicy: &s3.AccessControlPolicy{
				Grants: []*s3.Grant{{Grantee: &s3.Grantee{Type: s3.TypeGroup, URI: "u"}}},
			}},
		},
		{
			"an empty list is there",
			&s3.PutBucketTagging,
			`<Tagging><TagSet/></Tagging>`,
			&s3.PutBucketTaggingInput{Tagging: &s3.Tagging{TagSet: []*s3.Tag{}}},
		},
		{
			"an absent one is not",
			&s3.PutBucketTagging,
			`<Tagging/>`,
			&s3.PutBucketTaggingInput{Tagging: &s3.Tagging{}},
		},
		{
			"no body at all is left to validation",
			&s3.PutBucketTagging,
			" \n",
			&s3.PutBucketTaggingInput{},
		},
		{
			"a root that belongs to the operation",
			&s3.SelectObjectContent,
			`<SelectObjectContentRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Expression>e</Expression><ScanRange><Start>5</Start></ScanRange></SelectObjectContentRequest>`,
			&s3.SelectObjectContentInput{Expression: "e", ScanRange: &s3.ScanRange{Start: new(int64(5))}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := c.op.NewInput()
			if _, err := decodeXML(c.op.Spec(), in, c.body); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, in); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestXMLPresence(t *testing.T) {
	in := new(s3.PutBucketTaggingInput)
	presence, err := decodeXML(s3.PutBucketTagging.Spec(), in, `<Tagging><TagSet><Tag><Key>k</Key><Value/></Tag><Tag><Key>k</Key></Tag></TagSet></Tagging>`)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		if got := presence.Sent(&in.Tagging.TagSet[i].Value); got != want {
			t.Errorf("tag %d: value sent is %v, want %v", i, got, want)
		}
	}
}

func TestMalformedXML(t *testing.T) {
	deep := func(n int) string {
		return "<Delete>" + strings.Repeat("<a>", n) + strings.Repeat("</a>", n) + "</Delete>"
	}
	if _, err := decodeXML(s3.DeleteObjects.Spec(), new(s3.DeleteObjectsInput), deep(maxXMLDepth-1)); err != nil {
		t.Errorf("%d levels: %v", maxXMLDepth, err)
	}
	for name, body := range map[string]string{
		"not XML":                    `{"Delete":1}`,
		"another root":               `<Tagging/>`,
		"a second root":              `<Delete/><Delete/>`,
		"text after the root":        `<Delete/>x`,
		"open element":               `<Delete>`,
		"crossed elements":           `<Delete><Object></Delete></Object>`,
		"document type":              `<!DOCTYPE Delete [<!ENTITY a "b">]><Delete/>`,
		"unknown entity":             `<Delete><Object><Key>&a;</Key></Object></Delete>`,
		"open entity":                `<Delete><Object><Key>&lt</Key></Object></Delete>`,
		"NUL by number":              `<Delete><Object><Key>&#0;</Key></Object></Delete>`,
		"surrogate by number":        `<Delete><Object><Key>&#xD800;</Key></Object></Delete>`,
		"beyond Unicode":             `<Delete><Object><Key>&#x110000;</Key></Object></Delete>`,
		"huge number":                `<Delete><Object><Key>&#99999999999999999999;</Key></Object></Delete>`,
		"control character":          "<Delete><Object><Key>\x01</Key></Object></Delete>",
		"not UTF-8":                  "<Delete><Object><Key>\xff</Key></Object></Delete>",
		"another encoding":           `<?xml version="1.0" encoding="ISO-8859-1"?><Delete/>`,
		"declaration inside":         `<Delete><?xml version="1.0"?></Delete>`,
		"comment with two dashes":    `<Delete><!-- a -- b --></Delete>`,
		"open comment":               `<Delete><!--></Delete>`,
		"open CDATA":                 `<Delete><![CDATA[</Delete>`,
		"CDATA outside":              `<![CDATA[a]]><Delete/>`,
		"end of CDATA in text":       `<Delete><Object><Key>]]></Key></Object></Delete>`,
		"attribute without value":    `<Delete a></Delete>`,
		"attribute without quotes":   `<Delete a=b></Delete>`,
		"attribute with <":           `<Delete a="<"></Delete>`,
		"attributes without a blank": `<Delete a="1"b="2"></Delete>`,
		"name that begins with a -":  `<-/>`,
		"boolean that is none":       `<Delete><Quiet>yes</Quiet></Delete>`,
		"element within a scalar":    `<Delete><Quiet><a/>true</Quiet></Delete>`,
		"text within a structure":    `<Delete>text</Delete>`,
		"too deep":                   deep(maxXMLDepth),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeXML(s3.DeleteObjects.Spec(), new(s3.DeleteObjectsInput), body)
			want := &api.Error{
				Code: "MalformedXML", Status: 400,
				Message: "The XML you provided was not well-formed or did not validate against our published schema",
			}
			if diff := cmp.Diff(error(want), err); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestXMLText: whatever a key holds, a client reads it back.
func TestXMLText(t *testing.T) {
	var every strings.Builder
	for r := rune(1); r < 0x300; r++ {
		every.WriteRune(r)
	}
	for _, key := range []string{every.String(), "\r\n\t \n", "]]>", "\u2028\U0001F600", " ", "a  b"} {
		out := &s3.ListObjectsV2Output{Contents: []*s3.Object{{Key: key}}}
		body := encodeXML(t, s3.ListObjectsV2.Spec(), out)
		back := new(s3.ListObjectsV2Output)
		sh, s := planOf(back)
		if err := (xmlNotation{}).decode(&decoding{op: s3.ListObjectsV2.Spec(), response: true}, []byte(body), sh, s); err != nil {
			t.Fatalf("%q: %v", key, err)
		}
		if diff := cmp.Diff(out, back); diff != "" {
			t.Errorf("%q: %s", key, diff)
		}
	}
	if got := string(appendXMLText(nil, "a\xffb\xe2\x82")); got != "a\uFFFDb\uFFFD\uFFFD" {
		t.Errorf("text that is no UTF-8: %q", got)
	}
}

// FuzzXML: no input panics the decoder, makes it allocate out of proportion,
// or decodes to what does not survive a round.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		`<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>`,
		`<?xml version="1.0"?><Delete xmlns="x"><!-- --><Object><Key>&#x41;<![CDATA[x]]></Key><Size>1</Size><LastModifiedTime>2024-01-01T00:00:00Z</LastModifiedTime></Object></Delete>`,
		`<Delete><Object/><Object/></Delete>`, `<a b='c'/>`, "<", "&", "<!", "</", "<a", "<a/", "<?", "<![CDATA[",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		in := new(s3.DeleteObjectsInput)
		if _, err := decodeXML(s3.DeleteObjects.Spec(), in, body); err != nil || in.Delete == nil {
			return
		}
		if n := len(in.Delete.Objects); n > len(body)/9+1 {
			t.Errorf("%d objects of %d bytes", n, len(body))
		}
		again := encodeXML(t, s3.DeleteObjects.Spec(), in)
		back := new(s3.DeleteObjectsInput)
		if _, err := decodeXML(s3.DeleteObjects.Spec(), back, again); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if !reflect.DeepEqual(keysOf(in), keysOf(back)) {
			t.Errorf("%q came back as %q", keysOf(in), keysOf(back))
		}
	})
}

func keysOf(in *s3.DeleteObjectsInput) (keys []string) {
	for _, o := range in.Delete.Objects {
		keys = append(keys, o.Key)
	}
	return keys
}

func listing(n int) *s3.ListObjectsV2Output {
	out := &s3.ListObjectsV2Output{Name: "bucket", KeyCount: new(int32(n)), MaxKeys: new(int32(1000)), IsTruncated: new(true)}
	for i := range n {
		out.Contents = append(out.Contents, &s3.Object{
			Key: fmt.Sprintf("photos/2024/05/IMG_%06d.jpg", i), LastModified: time.Unix(1_700_000_000+int64(i), 0),
			ETag: `"d41d8cd98f00b204e9800998ecf8427e"`, Size: new(int64(i) * 1000), StorageClass: s3.ObjectStorageClassStandard,
		})
	}
	return out
}

func BenchmarkXMLListing(b *testing.B) {
	out := listing(1000)
	op := s3.ListObjectsV2.Spec()
	sh, s := planOf(out)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var e encoding
		for b.Loop() {
			e = encoding{op: op, buf: e.buf[:0]}
			if err := (xmlNotation{}).encode(&e, sh, s); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(e.buf)))
	})
	body := encodeXML(b, op, out)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			sh, s := planOf(new(s3.ListObjectsV2Output))
			if err := (xmlNotation{}).decode(&decoding{op: op, response: true}, []byte(body), sh, s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
