package lambda

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

func TestFunctionLifecycle(t *testing.T) {
	b := open(t)
	made := b.create("f", func(in *lam.CreateFunctionInput) { in.Environment = &lam.Environment{} })
	if made.State != "Pending" || made.StateReasonCode != "Creating" || made.LastUpdateStatus != "" || made.FunctionArn != arnOf+"f" || made.Version != "$LATEST" {
		t.Errorf("a new function: %+v", made)
	}
	if made.LastModified != "2026-01-02T03:04:05.000+0000" || *made.Description != "" || made.Environment == nil || *made.Timeout != 3 || *made.MemorySize != 128 {
		t.Errorf("a new function: %+v", made)
	}
	got := b.get("f")
	if c := got.Configuration; c.State != "Active" || c.LastUpdateStatus != "Successful" || c.StateReason != "" {
		t.Errorf("then: %+v", c)
	}
	if got.Tags != nil || got.Code.RepositoryType != "S3" || got.Code.Location == "" {
		t.Errorf("GetFunction: %+v", got)
	}
	changed := do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{
		FunctionName: "f", Description: new("words"), Timeout: new(int32(9)), Environment: &lam.Environment{Variables: map[string]string{"A": "b"}},
	})
	if changed.State != "Active" || changed.LastUpdateStatus != "InProgress" || changed.LastUpdateStatusReasonCode != "Creating" {
		t.Errorf("an update's answer: %+v", changed)
	}
	// What is not given stays, and what is given empty is emptied.
	do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", Handler: "other.handler"})
	c := b.get("f").Configuration
	if *c.Description != "words" || *c.Timeout != 9 || c.Environment.Variables["A"] != "b" || c.Handler != "other.handler" || c.LastUpdateStatus != "Successful" {
		t.Errorf("after two updates: %+v", c)
	}
	do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", Description: new("")})
	if c := b.get("f").Configuration; *c.Description != "" {
		t.Errorf("the description is %q", *c.Description)
	}
	if out := do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f"}); *out.StatusCode != 204 {
		t.Errorf("deleted with %d", *out.StatusCode)
	}
	refused(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f"},
		"404 ResourceNotFoundException: Function not found: "+arnOf+"f")
	refused(b, &lam.GetFunctionCodeSigningConfig, b.getFunctionCodeSigningConfig, &lam.GetFunctionCodeSigningConfigInput{FunctionName: "f"},
		"404 ResourceNotFoundException: Function not found: "+arnOf+"f")
}

func TestNames(t *testing.T) {
	b := open(t)
	b.create("f")
	b.publishes("f")
	do(b, &lam.CreateAlias, b.createAlias, &lam.CreateAliasInput{FunctionName: "f", Name: "live", FunctionVersion: "1"})
	for _, c := range []struct{ name, qualifier, arn, version string }{
		{"f", "", arnOf + "f", "$LATEST"},
		{"function:f", "", arnOf + "f", "$LATEST"},
		{account + ":function:f", "", arnOf + "f", "$LATEST"},
		{arnOf + "f", "", arnOf + "f", "$LATEST"},
		{arnOf + "f", "$LATEST", arnOf + "f:$LATEST", "$LATEST"},
		{"f:$LATEST", "", arnOf + "f:$LATEST", "$LATEST"},
		{"f:1", "1", arnOf + "f:1", "1"},
		{arnOf + "f:live", "", arnOf + "f:live", "1"},
		{"f", "live", arnOf + "f:live", "1"},
	} {
		out := do(b, &lam.GetFunction, b.getFunction, &lam.GetFunctionInput{FunctionName: c.name, Qualifier: c.qualifier})
		if out.Configuration.FunctionArn != c.arn || out.Configuration.Version != c.version {
			t.Errorf("%s with %q: %s, version %s", c.name, c.qualifier, out.Configuration.FunctionArn, out.Configuration.Version)
		}
	}
	notFound := "404 ResourceNotFoundException: Function not found: " + arnOf
	mismatch := "400 InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier."
	for _, c := range []struct{ name, qualifier, want string }{
		{"g", "", notFound + "g"},
		{"g", "$LATEST", notFound + "g:$LATEST"},
		{"f:2", "", notFound + "f:2"},
		{"f", "$latest", notFound + "f:$latest"},
		{arnOf + "f", "aliasdoesnotexist", notFound + "f:aliasdoesnotexist"},
		{strings.Repeat("a", 65), "", notFound + strings.Repeat("a", 65)},
		{"f:1", "$LATEST", mismatch},
		{arnOf + "f:$LATEST", "1", mismatch},
		{"arn:aws:lambda:eu-west-1:000000000000:function:f", "", "404 ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		{"arn:aws:lambda:us-east-1:111111111111:function:f", "", "403 AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:us-east-1:111111111111:function:f because no resource-based policy allows the lambda:GetFunction action"},
		{"f!", "", "400 ValidationException: 1 validation error detected: Value 'f!' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + functionNamePattern},
	} {
		refused(b, &lam.GetFunction, b.getFunction, &lam.GetFunctionInput{FunctionName: c.name, Qualifier: c.qualifier}, c.want)
	}
	refused(b, &lam.Invoke, b.Invoke, &lam.InvokeInput{FunctionName: "g"}, notFound+"g:$LATEST")
	refused(b, &lam.Invoke, b.Invoke, &lam.InvokeInput{FunctionName: "f:nope"}, notFound+"f:nope")

	deleted := func(name, want string) {
		t.Helper()
		refused(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: name}, want)
	}
	deleted("f:$LATEST", "400 InvalidParameterValueException: $LATEST version cannot be deleted without deleting the function.")
	deleted("f:live", "400 InvalidParameterValueException: Deletion of aliases is not currently supported.")
	deleted("f:1", "409 ResourceConflictException: Unable to delete version because the following aliases reference it: [live]")
	deleted("g:7", notFound+"g")
	deleted("f:7", "no error")
	if c := b.get("f:live").Configuration; c.Version != "1" {
		t.Errorf("the alias leads to %s", c.Version)
	}
}

func TestCreateFunctionRefuses(t *testing.T) {
	b := open(t)
	b.create("there")
	invalid := "400 InvalidParameterValueException: "
	large := strings.Repeat("x", 4096-len("LARGE_VAR")-6)
	for _, c := range []struct {
		name   string
		change func(*lam.CreateFunctionInput)
		want   string
	}{
		{"there", nil, "409 ResourceConflictException: Function already exist: there"},
		{strings.Repeat("a", 65), nil, invalid + "1 validation error detected: Value '" + strings.Repeat("a", 65) + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"a.b", nil, "400 ValidationException: 1 validation error detected: Value 'a.b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + newFunctionName},
		{"f", func(in *lam.CreateFunctionInput) { in.Code = &lam.FunctionCode{ZipFile: []byte("no zip")} }, invalid + "Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"f", func(in *lam.CreateFunctionInput) { in.Code = &lam.FunctionCode{ZipFile: packed(nil)} }, invalid + "Uploaded file must be a non-empty zip"},
		{"f", func(in *lam.CreateFunctionInput) {
			in.Code = &lam.FunctionCode{ZipFile: packed(map[string]string{"../../etc/passwd": ""})}
		}, invalid + "Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"f", func(in *lam.CreateFunctionInput) { in.Code = &lam.FunctionCode{ZipFile: make([]byte, maxZip+1)} }, "413 RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes"},
		{"f", func(in *lam.CreateFunctionInput) { in.Code = &lam.FunctionCode{} }, invalid + "Please provide a source for function code."},
		{"f", func(in *lam.CreateFunctionInput) { in.Code = &lam.FunctionCode{S3Bucket: "wrong", S3Key: "code.zip"} }, invalid + "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		{"f", func(in *lam.CreateFunctionInput) { in.Code = &lam.FunctionCode{S3Bucket: "bucket", S3Key: "wrong"} }, invalid + "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."},
		{"f", func(in *lam.CreateFunctionInput) { in.Runtime = "" }, invalid + "Runtime is mandatory for functions created with deployment packages."},
		{"f", func(in *lam.CreateFunctionInput) { in.Handler = "" }, invalid + "Handler is mandatory for functions created with deployment packages."},
		{"f", func(in *lam.CreateFunctionInput) { in.Timeout = new(int32(901)) }, invalid + "'Timeout' value failed to satisfy constraint: Member must have value less than or equal to 900"},
		{"f", func(in *lam.CreateFunctionInput) { in.Layers = []string{"arn:aws:lambda:us-east-1:0:layer:l:1"} }, invalid + "Layers are not supported by Virga."},
		{"f", func(in *lam.CreateFunctionInput) { in.CodeSigningConfigArn = "arn" }, "404 CodeSigningConfigNotFoundException: The code signing configuration cannot be found."},
		{"f", func(in *lam.CreateFunctionInput) {
			in.PackageType, in.Runtime, in.Handler = "Image", "", ""
		}, invalid + "Please provide ImageUri when updating a function with packageType Image."},
		{"f", func(in *lam.CreateFunctionInput) {
			in.Environment = &lam.Environment{Variables: map[string]string{"B": "", "AWS_REGION": "", "_HANDLER": ""}}
		}, invalid + "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION, _HANDLER"},
		// One byte more than 4 KB, counted as JSON.
		{"f", func(in *lam.CreateFunctionInput) {
			in.Environment = &lam.Environment{Variables: map[string]string{"LARGE_VAR": large}}
		}, invalid + `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"LARGE_VAR":"` + large + `"}`},
		{"f", func(in *lam.CreateFunctionInput) {
			in.Tags = map[string]string{}
			for i := range 51 {
				in.Tags[fmt.Sprint(i)] = ""
			}
		}, invalid + "Number of tags exceeds resource tag limit."},
	} {
		change := c.change
		if change == nil {
			change = func(*lam.CreateFunctionInput) {}
		}
		refused(b, &lam.CreateFunction, b.createFunction, newFunction(c.name, change), c.want)
	}
	b.create("exact", func(in *lam.CreateFunctionInput) {
		in.Environment = &lam.Environment{Variables: map[string]string{"LARGE_VAR": large[1:]}}
	})
	b.create("from-s3", func(in *lam.CreateFunctionInput) { in.Code = &lam.FunctionCode{S3Bucket: "bucket", S3Key: "code.zip"} })
}

func TestUpdateRefuses(t *testing.T) {
	b := open(t)
	b.create("zip")
	b.create("image", func(in *lam.CreateFunctionInput) {
		in.PackageType, in.Runtime, in.Handler, in.Code = "Image", "", "", &lam.FunctionCode{ImageUri: "repo:tag"}
	})
	invalid := "400 InvalidParameterValueException: "
	for _, c := range []struct {
		in   *lam.UpdateFunctionCodeInput
		want string
	}{
		{&lam.UpdateFunctionCodeInput{FunctionName: "none", ZipFile: code("x")}, "404 ResourceNotFoundException: Function not found: " + arnOf + "none"},
		{&lam.UpdateFunctionCodeInput{FunctionName: "image", ZipFile: code("x")}, invalid + "Please provide ImageUri when updating a function with packageType Image."},
		{&lam.UpdateFunctionCodeInput{FunctionName: "zip", ImageUri: "repo:tag"}, invalid + "Please don't provide ImageUri when updating a function with packageType Zip."},
		{&lam.UpdateFunctionCodeInput{FunctionName: "zip", ZipFile: code("x"), S3Key: "k", S3Bucket: "bucket"}, invalid + "Please do not provide other FunctionCode parameters when providing a ZipFile."},
		{&lam.UpdateFunctionCodeInput{FunctionName: "zip", ZipFile: code("x"), RevisionId: "old"}, "412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"},
	} {
		refused(b, &lam.UpdateFunctionCode, b.updateFunctionCode, c.in, c.want)
	}
	before := b.get("zip").Configuration
	dry := do(b, &lam.UpdateFunctionCode, b.updateFunctionCode, &lam.UpdateFunctionCodeInput{FunctionName: "zip", ZipFile: code("x"), DryRun: new(true)})
	if dry.CodeSha256 == before.CodeSha256 {
		t.Error("a dry run shows the old code")
	}
	if diff := cmp.Diff(before, b.get("zip").Configuration); diff != "" {
		t.Errorf("a dry run changed the function: %s", diff)
	}
}

func TestRevisions(t *testing.T) {
	b := open(t)
	first := b.create("f").RevisionId
	same := func() *lam.FunctionConfiguration {
		return do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", Description: new("d")})
	}
	second := same().RevisionId
	third := same().RevisionId
	published := b.publishes("f")
	fourth := b.get("f").Configuration.RevisionId
	all := []string{first, second, third, published.RevisionId, fourth}
	for i, r := range all {
		if slices.Index(all, r) != i {
			t.Errorf("two of the revisions %v are the same", all)
		}
	}
	refused(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", RevisionId: third},
		"412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", RevisionId: fourth})
}

func TestListFunctions(t *testing.T) {
	b := open(t)
	for _, name := range []string{"c", "a", "b"} {
		b.create(name, func(in *lam.CreateFunctionInput) { in.Publish = new(name == "b") })
	}
	other := api.WithCall(t.Context(), &api.Call{Account: "111111111111", Region: region, Principal: api.Root("111111111111"), Time: start, Operation: lam.CreateFunction.Spec()})
	if _, err := b.createFunction(other, newFunction("aa")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		version lam.FunctionVersion
		want    []string
	}{
		{"", []string{"a", "b", "c"}},
		{"ALL", []string{"a:$LATEST", "b:$LATEST", "b:1", "c:$LATEST"}},
	} {
		for _, size := range []int32{1, 2, 3, 50} {
			var got []string
			in := &lam.ListFunctionsInput{FunctionVersion: c.version, MaxItems: new(size)}
			for {
				out := do(b, &lam.ListFunctions, b.listFunctions, in)
				if len(out.Functions) > int(size) {
					t.Errorf("%d on a page of %d", len(out.Functions), size)
				}
				for _, f := range out.Functions {
					got = append(got, strings.TrimPrefix(f.FunctionArn, arnOf))
					if f.State != "" || f.LastUpdateStatus != "" {
						t.Errorf("a list tells of states: %+v", f)
					}
				}
				if in.Marker = out.NextMarker; in.Marker == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q in pages of %d: %v", c.version, size, got)
			}
		}
	}
}

// A package is held by every version that has it, and goes with the last.
func TestCodeIsKeptAsLongAsAVersionHasIt(t *testing.T) {
	dir := t.TempDir()
	db, blobs := storagetest.OpenURL(t, "badger:"+dir, storage.Options{})
	b := openOn(t, db, blobs)
	large := func(word string) []byte { return code(strings.Repeat(word, storage.MaxInline)) }
	files := func(step string, want int) {
		t.Helper()
		n := 0
		err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && len(d.Name()) == 32 {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n != want {
			t.Errorf("%s: %d packages are kept, want %d", step, n, want)
		}
	}
	b.create("f", func(in *lam.CreateFunctionInput) { in.Code.ZipFile, in.Publish = large("a"), new(true) })
	files("created and published", 1)
	upload := func(word string, change func(*lam.UpdateFunctionCodeInput)) error {
		in := &lam.UpdateFunctionCodeInput{FunctionName: "f", ZipFile: large(word)}
		if change != nil {
			change(in)
		}
		_, err := b.updateFunctionCode(b.as(lam.UpdateFunctionCode.Spec()), in)
		return err
	}
	if err := upload("b", nil); err != nil {
		t.Fatal(err)
	}
	files("$LATEST and version 1", 2)
	if err := upload("c", func(in *lam.UpdateFunctionCodeInput) { in.Publish = new(true) }); err != nil {
		t.Fatal(err)
	}
	files("what was never published is gone", 2)
	if err := upload("d", func(in *lam.UpdateFunctionCodeInput) { in.DryRun = new(true) }); err != nil {
		t.Fatal(err)
	}
	files("a dry run", 2)
	if err := upload("d", func(in *lam.UpdateFunctionCodeInput) { in.RevisionId = "wrong" }); err == nil {
		t.Fatal("a wrong revision is taken")
	}
	if _, err := b.createFunction(b.as(lam.CreateFunction.Spec()), newFunction("f", func(in *lam.CreateFunctionInput) { in.Code.ZipFile = large("d") })); err == nil {
		t.Fatal("two functions have one name")
	}
	files("refusals", 2)
	do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f:1"})
	do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f:1"})
	files("version 1 is deleted", 1)
	do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f:2"})
	files("$LATEST has the code of version 2", 1)
	if out := b.invoke("f", `"still"`); string(out.Payload) != `"still"` {
		t.Errorf("it answers %s", out.Payload)
	}
	do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f"})
	files("the function is deleted", 0)
	if err := db.View(func(tx storage.Tx) error {
		for _, first := range []string{"lambda", "blob"} {
			for e, err := range tx.Scan(storage.Prefix(storage.Key{}.String(first))) {
				if err != nil {
					return err
				}
				t.Errorf("left behind: %q", e.Key)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
