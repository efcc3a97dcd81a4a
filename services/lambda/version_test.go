package lambda

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	lam "github.com/virga-cloud/virga/api/lambda"
)

func (b *bed) versionsOf(name string) (all []string) {
	b.t.Helper()
	for _, v := range do(b, &lam.ListVersionsByFunction, b.listVersionsByFunction, &lam.ListVersionsByFunctionInput{FunctionName: name}).Versions {
		if v.State != "" || v.FunctionArn != arnOf+name+":"+v.Version {
			b.t.Errorf("listed as %+v", v)
		}
		all = append(all, v.Version)
	}
	return all
}

func TestPublishing(t *testing.T) {
	b := open(t)
	made := b.create("f", func(in *lam.CreateFunctionInput) { in.Publish = new(true) })
	if made.Version != "1" || made.FunctionArn != arnOf+"f" || made.State != "Pending" {
		t.Errorf("created and published: %+v", made)
	}
	// What has not changed is not published again.
	again := b.publishes("f")
	if again.Version != "1" || again.FunctionArn != arnOf+"f:1" || again.State != "Active" || again.RevisionId != made.RevisionId {
		t.Errorf("published again: %+v", again)
	}
	// Nor is what an update has left as it was.
	b.update("f", "first")
	if v := b.publishes("f"); v.Version != "1" {
		t.Errorf("the same code is version %s", v.Version)
	}
	// A version has the description that it was published with; the next one that of $LATEST.
	do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", Description: new("mine")})
	v := do(b, &lam.PublishVersion, b.publishVersion, &lam.PublishVersionInput{FunctionName: "f", Description: "theirs"})
	if v.Version != "2" || *v.Description != "theirs" || *b.get("f").Configuration.Description != "mine" {
		t.Errorf("described: %+v", v)
	}
	if v := b.publishes("f"); v.Version != "2" {
		t.Errorf("another description makes version %s", v.Version)
	}
	updated := do(b, &lam.UpdateFunctionCode, b.updateFunctionCode, &lam.UpdateFunctionCodeInput{FunctionName: "f", ZipFile: code("new"), Publish: new(true)})
	if updated.Version != "3" || updated.FunctionArn != arnOf+"f:3" || updated.State != "Pending" {
		t.Errorf("updated and published: %+v", updated)
	}
	// Numbers are not used again.
	do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f", Qualifier: "3"})
	if v := b.publishes("f"); v.Version != "4" {
		t.Errorf("after version 3 comes %s", v.Version)
	}
	if got := b.versionsOf("f"); !slices.Equal(got, []string{"$LATEST", "1", "2", "4"}) {
		t.Errorf("versions: %v", got)
	}
	refused(b, &lam.PublishVersion, b.publishVersion, &lam.PublishVersionInput{FunctionName: "f", CodeSha256: "x"},
		"400 InvalidParameterValueException: CodeSHA256 (x) is different from current CodeSHA256 in $LATEST ("+updated.CodeSha256+"). Please try again with the CodeSHA256 in $LATEST.")
	refused(b, &lam.PublishVersion, b.publishVersion, &lam.PublishVersionInput{FunctionName: "f", RevisionId: made.RevisionId},
		"412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func TestVersionsSortByNumber(t *testing.T) {
	b := open(t)
	b.create("f")
	want := []string{"$LATEST"}
	for i := range 11 {
		b.update("f", fmt.Sprint(i))
		want = append(want, b.publishes("f").Version)
	}
	if got := b.versionsOf("f"); !slices.Equal(got, want) {
		t.Errorf("versions: %v", got)
	}
	var got []string
	in := &lam.ListVersionsByFunctionInput{FunctionName: "f", MaxItems: new(int32(5))}
	for {
		out := do(b, &lam.ListVersionsByFunction, b.listVersionsByFunction, in)
		for _, v := range out.Versions {
			got = append(got, v.Version)
		}
		if in.Marker = out.NextMarker; in.Marker == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("in pages: %v", got)
	}
}

// A version runs the code and the configuration that it was published with.
func TestVersionsDoNotChange(t *testing.T) {
	b := open(t)
	b.create("f")
	before := b.publishes("f")
	b.update("f", "second")
	do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{
		FunctionName: "f", Environment: &lam.Environment{Variables: map[string]string{"A": "b"}}})
	after := b.get("f:1").Configuration
	if after.CodeSha256 != before.CodeSha256 || after.Environment != nil || after.RevisionId != before.RevisionId {
		t.Errorf("version 1 was %+v and is %+v", before, after)
	}
	b.invoke("f:1", "1")
	b.invoke("f", "2")
	if n := len(b.started); n != 2 || b.started[0].CodeDir == b.started[1].CodeDir || b.started[0].Environment != nil {
		t.Errorf("%d sandboxes: %+v", n, b.started)
	}
}

func TestAliases(t *testing.T) {
	b := open(t)
	b.create("f", func(in *lam.CreateFunctionInput) { in.Publish = new(true) })
	b.update("f", "second")
	b.publishes("f")
	made := do(b, &lam.CreateAlias, b.createAlias, &lam.CreateAliasInput{FunctionName: "f", Name: "live", FunctionVersion: "1", Description: "d",
		RoutingConfig: &lam.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.25}}})
	if made.AliasArn != arnOf+"f:live" || *made.Description != "d" || made.RoutingConfig.AdditionalVersionWeights["2"] != 0.25 {
		t.Errorf("made: %+v", made)
	}
	counts := map[string]int{}
	for range 400 {
		counts[b.invoke("f:live", "1").ExecutedVersion]++
	}
	if counts["1"]+counts["2"] != 400 || counts["2"] < 70 || counts["2"] > 130 { // 100 expected, a standard deviation is 8.7
		t.Errorf("of 400 invocations %v ran", counts)
	}
	if arn := b.ran[0].FunctionARN; arn != arnOf+"f:live" {
		t.Errorf("the function sees %s", arn)
	}
	update := func(in *lam.UpdateAliasInput) *lam.AliasConfiguration {
		t.Helper()
		in.FunctionName, in.Name = "f", "live"
		return do(b, &lam.UpdateAlias, b.updateAlias, in)
	}
	if got := update(&lam.UpdateAliasInput{FunctionVersion: "2", RoutingConfig: &lam.AliasRoutingConfiguration{}}); got.RoutingConfig != nil || got.FunctionVersion != "2" || *got.Description != "d" || got.RevisionId == made.RevisionId {
		t.Errorf("updated: %+v", got)
	}
	if got := update(&lam.UpdateAliasInput{Description: new("")}); *got.Description != "" || got.FunctionVersion != "2" {
		t.Errorf("updated: %+v", got)
	}
	one := func(v string) map[string]float64 { return map[string]float64{v: 0.5} }
	invalid, constraint := "400 InvalidParameterValueException: ", "400 ValidationException: 1 validation error detected: Value '"
	for _, c := range []struct {
		name, version string
		weights       map[string]float64
		want          string
	}{
		{"live", "1", nil, "409 ResourceConflictException: Alias already exists: " + arnOf + "f:live"},
		{"a", "10", nil, "404 ResourceNotFoundException: Function not found: " + arnOf + "f:10"},
		{"a", "1", one("10"), "404 ResourceNotFoundException: Function not found: " + arnOf + "f:10"},
		{"a", "1", one("1"), invalid + "Invalid function version 1. Function version 1 is already included in routing configuration."},
		{"a", "$LATEST", one("1"), invalid + "$LATEST is not supported for an alias pointing to more than 1 version"},
		{"a", "1", map[string]float64{"1": 0.1, "2": 0.1}, invalid + "Number of items in AdditionalVersionWeights cannot be greater than 1"},
		{"a", "1", one("$LATEST"), constraint + "{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"},
		{"a", "1", map[string]float64{"2": 2}, constraint + "{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"},
		{"2024", "1", nil, constraint + "2024' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"},
	} {
		in := &lam.CreateAliasInput{FunctionName: "f", Name: c.name, FunctionVersion: c.version}
		if c.weights != nil {
			in.RoutingConfig = &lam.AliasRoutingConfiguration{AdditionalVersionWeights: c.weights}
		}
		refused(b, &lam.CreateAlias, b.createAlias, in, c.want)
	}
	refused(b, &lam.CreateAlias, b.createAlias, &lam.CreateAliasInput{FunctionName: "g", Name: "a", FunctionVersion: "1"}, "404 ResourceNotFoundException: Function not found: "+arnOf+"g:1")
	refused(b, &lam.GetAlias, b.getAlias, &lam.GetAliasInput{FunctionName: "f", Name: "none"}, "404 ResourceNotFoundException: Cannot find alias arn: "+arnOf+"f:none")
	refused(b, &lam.UpdateAlias, b.updateAlias, &lam.UpdateAliasInput{FunctionName: "f", Name: "none"}, "404 ResourceNotFoundException: Alias not found: "+arnOf+"f:none")
	refused(b, &lam.UpdateAlias, b.updateAlias, &lam.UpdateAliasInput{FunctionName: "f", Name: "live", RevisionId: made.RevisionId},
		"412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")

	do(b, &lam.CreateAlias, b.createAlias, &lam.CreateAliasInput{FunctionName: "f", Name: "2024-01", FunctionVersion: "$LATEST"})
	names := func(in *lam.ListAliasesInput) string {
		t.Helper()
		in.FunctionName = "f"
		var all []string
		for _, a := range do(b, &lam.ListAliases, b.listAliases, in).Aliases {
			all = append(all, a.Name)
		}
		return strings.Join(all, " ")
	}
	if got := names(&lam.ListAliasesInput{}); got != "2024-01 live" {
		t.Errorf("aliases: %s", got)
	}
	if got := names(&lam.ListAliasesInput{FunctionVersion: "2"}); got != "live" {
		t.Errorf("aliases of version 2: %s", got)
	}
	if got := names(&lam.ListAliasesInput{Marker: "live"}); got != "live" {
		t.Errorf("the second page: %s", got)
	}
	for range 2 { // what is not there is no error
		do(b, &lam.DeleteAlias, b.deleteAlias, &lam.DeleteAliasInput{FunctionName: "f", Name: "live"})
	}
	do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f:2"})
}

func TestTags(t *testing.T) {
	b := open(t)
	b.create("f")
	tag := func(tags map[string]string) {
		t.Helper()
		do(b, &lam.TagResource, b.tagResource, &lam.TagResourceInput{Resource: arnOf + "f", Tags: tags})
	}
	list := func() string {
		t.Helper()
		return fmt.Sprint(do(b, &lam.ListTags, b.listTags, &lam.ListTagsInput{Resource: arnOf + "f"}).Tags)
	}
	if got := list(); got != "map[]" {
		t.Errorf("tags: %s", got)
	}
	tag(map[string]string{"a": "1", "b": "2"})
	tag(map[string]string{"b": "3"})
	if got := list(); got != "map[a:1 b:3]" {
		t.Errorf("tags: %s", got)
	}
	if got := fmt.Sprint(b.get("f").Tags); got != "map[a:1 b:3]" {
		t.Errorf("GetFunction's tags: %s", got)
	}
	do(b, &lam.UntagResource, b.untagResource, &lam.UntagResourceInput{Resource: arnOf + "f", TagKeys: []string{"a", "b", "c"}})
	if got := b.get("f").Tags; got != nil {
		t.Errorf("GetFunction's tags: %v", got)
	}
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint(i)] = ""
	}
	invalid := "400 InvalidParameterValueException: "
	for arn, c := range map[string]struct {
		tags map[string]string
		want string
	}{
		arnOf + "f":         {many, invalid + "Number of tags exceeds resource tag limit."},
		arnOf + "function":  {many, "404 ResourceNotFoundException: Function not found: " + arnOf + "function"},
		arnOf + "f:$LATEST": {many, invalid + "Tags on function aliases and versions are not supported. Please specify a function ARN."},
		arnOf + "f:1":       {nil, invalid + "Tags on function aliases and versions are not supported. Please specify a function ARN."},
	} {
		refused(b, &lam.TagResource, b.tagResource, &lam.TagResourceInput{Resource: arn, Tags: c.tags}, c.want)
	}
	refused(b, &lam.TagResource, b.tagResource, &lam.TagResourceInput{Resource: arnOf + "f"}, invalid+"An error occurred and the request cannot be processed.")
}
