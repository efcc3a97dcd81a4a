package dynamodb

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

func TestTableLife(t *testing.T) {
	h := newHost(t)
	d := h.create("things", "p:S", "s:N")
	if d.TableStatus != ddb.TableStatusCreating || d.TableArn != "arn:aws:dynamodb:us-east-1:000000000000:table/things" || !d.CreationDateTime.Equal(h.clock.Now()) || len(d.TableId) != 36 {
		t.Errorf("created %#v", d)
	}
	if _, err := h.createTable(h.call(), &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: d.AttributeDefinitions, KeySchema: d.KeySchema, BillingMode: ddb.BillingModePayPerRequest}); !reflect.DeepEqual(err, &ddb.ResourceInUseException{Message: "Table already exists: things"}) {
		t.Errorf("created twice: %v", err)
	}
	got := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
	if got.TableStatus != ddb.TableStatusActive || got.BillingModeSummary.BillingMode != ddb.BillingModePayPerRequest || *got.ProvisionedThroughput.ReadCapacityUnits != 0 || got.TableId != d.TableId {
		t.Errorf("described %#v", got)
	}
	h.put("things", item.Item{"p": S("a"), "s": N("1")})
	if got := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table; *got.ItemCount != 1 || *got.TableSizeBytes != 5 {
		t.Errorf("counted %d items, %d bytes", *got.ItemCount, *got.TableSizeBytes)
	}
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", DeletionProtectionEnabled: new(true)})
	if got, want := fails(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "things"}), "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."; got != want {
		t.Error(got)
	}
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", DeletionProtectionEnabled: new(false)})
	if got := must(h, h.deleteTable, &ddb.DeleteTableInput{TableName: "things"}).TableDescription; got.TableStatus != ddb.TableStatusDeleting {
		t.Errorf("deleted: %s", got.TableStatus)
	}
	if got, want := fails(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}), "Requested resource not found: Table: things not found"; got != want {
		t.Error(got)
	}
	// A table made anew has nothing of the old one, though that is still there.
	h.create("things", "p:S", "s:N")
	if got := must(h, h.scan, &ddb.ScanInput{TableName: "things"}); len(got.Items) != 0 {
		t.Errorf("the new table has %v", got.Items)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := 0
	err := h.env.DB.View(func(tx storage.Tx) error {
		for range tx.Scan(storage.Prefix(serviceKey())) {
			left++
		}
		return nil
	})
	if err != nil || left != 1 {
		t.Errorf("%d keys are left, one of them the new table's (%v)", left, err)
	}
}

func TestListTables(t *testing.T) {
	h := newHost(t)
	for _, name := range []string{"b.1", "a-1", "Z_1", "b.2"} {
		h.create(name, "p:S")
	}
	all := must(h, h.listTables, &ddb.ListTablesInput{})
	if want := []string{"Z_1", "a-1", "b.1", "b.2"}; !reflect.DeepEqual(all.TableNames, want) || all.LastEvaluatedTableName != "" {
		t.Errorf("%v, %q", all.TableNames, all.LastEvaluatedTableName)
	}
	some := must(h, h.listTables, &ddb.ListTablesInput{Limit: new(int32(2)), ExclusiveStartTableName: "Z_1"})
	if want := []string{"a-1", "b.1"}; !reflect.DeepEqual(some.TableNames, want) || some.LastEvaluatedTableName != "b.1" {
		t.Errorf("%v, %q", some.TableNames, some.LastEvaluatedTableName)
	}
	rest := must(h, h.listTables, &ddb.ListTablesInput{Limit: new(int32(2)), ExclusiveStartTableName: "azzz"})
	if want := []string{"b.1", "b.2"}; !reflect.DeepEqual(rest.TableNames, want) || rest.LastEvaluatedTableName != "" {
		t.Errorf("%v, %q", rest.TableNames, rest.LastEvaluatedTableName)
	}
}

// TestCreateTableErrors states what AWS answers, in the order it looks.
func TestCreateTableErrors(t *testing.T) {
	h := newHost(t)
	const invalid = "One or more parameter values were invalid: "
	units := func(n int64) *ddb.ProvisionedThroughput {
		return &ddb.ProvisionedThroughput{ReadCapacityUnits: &n, WriteCapacityUnits: &n}
	}
	all := &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}
	create := func(in ddb.CreateTableInput, definitions []string, key ...string) string {
		in.TableName = "things"
		in.AttributeDefinitions, _ = define(definitions...)
		_, in.KeySchema = define(key...)
		return fails(h, h.createTable, &in)
	}
	demand := ddb.CreateTableInput{BillingMode: ddb.BillingModePayPerRequest}
	local := func(key ...string) []*ddb.LocalSecondaryIndex {
		_, elements := define(key...)
		return []*ddb.LocalSecondaryIndex{{IndexName: "local", KeySchema: elements, Projection: all}}
	}
	global := func(p *ddb.Projection, names ...string) (list []*ddb.GlobalSecondaryIndex) {
		_, elements := define("b:S")
		for _, name := range names {
			list = append(list, &ddb.GlobalSecondaryIndex{IndexName: name, KeySchema: elements, Projection: p})
		}
		return list
	}
	many := make([]string, 21)
	for i := range many {
		many[i] = fmt.Sprint("index", i)
	}
	for i, c := range [][2]string{
		{create(ddb.CreateTableInput{BillingMode: ddb.BillingModePayPerRequest, ProvisionedThroughput: units(1)}, []string{"a:S"}, "a:S"),
			invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
		{create(ddb.CreateTableInput{}, []string{"a:S"}, "a:S"), invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		{create(ddb.CreateTableInput{ProvisionedThroughput: units(1000000000001)}, []string{"a:S"}, "a:S"), "Given value 1000000000001 for ReadCapacityUnits is out of bounds"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, SSESpecification: &ddb.SSESpecification{Enabled: new(false), SSEType: ddb.SSETypeKms}}, []string{"a:S"}, "a:S"),
			invalid + "SSEType can not be specified if Enabled is false"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, SSESpecification: &ddb.SSESpecification{Enabled: new(true), KMSMasterKeyId: "key"}}, []string{"a:S"}, "a:S"),
			invalid + "SSEType KMS is required if KMSMasterKeyId is specified"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, SSESpecification: &ddb.SSESpecification{Enabled: new(true), SSEType: ddb.SSETypeAes256}}, []string{"a:S"}, "a:S"),
			invalid + "SSEType AES256 is not supported"},
		{create(demand, []string{"a:S", "a:N"}, "a:S"), "Attribute Name is duplicated: a"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, GlobalSecondaryIndexes: global(&ddb.Projection{ProjectionType: "INCLUDE", NonKeyAttributes: []string{"x", "x"}}, "global")}, []string{"a:S", "b:S"}, "a:S"),
			invalid + "Duplicate element in NonKeyAttributes: x"},
		{create(demand, []string{"a:S"}, "a:S", "b:S"), "Invalid KeySchema: Some index key attribute have no definition"},
		{create(demand, []string{"a:S", "b:S"}, "a:S", "c:S"), invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [a, c], AttributeDefinitions: [a, b]"},
		{create(demand, []string{"a:S", "b:S"}, "a:S", "a:S"), "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
		{create(demand, []string{"a:S", "b:S"}, "a:S"), invalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"},
		{create(demand, []string{"a:S", "b:S", "c:S"}, "a:S", "b:S", "c:S"),
			"1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=b, keyType=RANGE), " +
				"KeySchemaElement(attributeName=c, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, LocalSecondaryIndexes: []*ddb.LocalSecondaryIndex{}}, []string{"a:S"}, "a:S"), invalid + "List of LocalSecondaryIndexes is empty"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, LocalSecondaryIndexes: local("a:S", "b:S")}, []string{"a:S", "b:S"}, "a:S"),
			invalid + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, LocalSecondaryIndexes: local("a:S")}, []string{"a:S", "b:S"}, "a:S", "b:S"),
			invalid + "Index KeySchema does not have a range key for index: local"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, LocalSecondaryIndexes: local("b:S", "a:S")}, []string{"a:S", "b:S"}, "a:S", "b:S"),
			invalid + "Index KeySchema does not have the same leading hash key as table KeySchema for index: local. index hash key: b, table hash key: a"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, GlobalSecondaryIndexes: global(&ddb.Projection{}, "global")}, []string{"a:S", "b:S"}, "a:S"), invalid + "Unknown ProjectionType: null"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, GlobalSecondaryIndexes: global(&ddb.Projection{ProjectionType: "ALL", NonKeyAttributes: []string{"x"}}, "global")}, []string{"a:S", "b:S"}, "a:S"),
			invalid + "ProjectionType is ALL, but NonKeyAttributes is specified"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, GlobalSecondaryIndexes: global(all, "same", "same")}, []string{"a:S", "b:S"}, "a:S"), invalid + "Duplicate index name: same"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, GlobalSecondaryIndexes: global(all, many...)}, []string{"a:S", "b:S"}, "a:S"), invalid + "GlobalSecondaryIndex count exceeds the per-table limit of 20"},
		{create(ddb.CreateTableInput{BillingMode: demand.BillingMode, GlobalSecondaryIndexes: global(all, "global")}, []string{"a:S", "b:S", "c:S"}, "a:S"),
			invalid + "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c], keys used: [a, b]"},
	} {
		if c[0] != c[1] {
			t.Errorf("%d\n got %s\nwant %s", i, c[0], c[1])
		}
	}
}

func TestUpdateThroughput(t *testing.T) {
	h := newHost(t)
	attributes, key := define("p:S")
	units := func(r, w int64) *ddb.ProvisionedThroughput {
		return &ddb.ProvisionedThroughput{ReadCapacityUnits: &r, WriteCapacityUnits: &w}
	}
	must(h, h.createTable, &ddb.CreateTableInput{TableName: "things", AttributeDefinitions: attributes, KeySchema: key, ProvisionedThroughput: units(5, 6)})
	h.clock.Advance(time.Hour)
	d := must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", ProvisionedThroughput: units(7, 4)}).TableDescription
	if d.TableStatus != ddb.TableStatusUpdating || *d.ProvisionedThroughput.ReadCapacityUnits != 5 {
		t.Errorf("%#v", d)
	}
	p := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table.ProvisionedThroughput
	if *p.ReadCapacityUnits != 7 || *p.WriteCapacityUnits != 4 || !p.LastIncreaseDateTime.Equal(h.clock.Now()) || !p.LastDecreaseDateTime.Equal(h.clock.Now()) {
		t.Errorf("%#v", p)
	}
	if got, want := fails(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", ProvisionedThroughput: units(7, 4)}),
		"The provisioned throughput for the table will not change. The requested value equals the current value. "+
			"Current ReadCapacityUnits provisioned for the table: 7. Requested ReadCapacityUnits: 7. "+
			"Current WriteCapacityUnits provisioned for the table: 4. Requested WriteCapacityUnits: 4. "+
			"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."; got != want {
		t.Error(got)
	}
	must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", BillingMode: ddb.BillingModePayPerRequest})
	got := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
	if got.BillingModeSummary.BillingMode != ddb.BillingModePayPerRequest || *got.ProvisionedThroughput.ReadCapacityUnits != 0 {
		t.Errorf("%#v", got)
	}
}

// TestIndexMadeLater: a new index is filled with the items that were there,
// also in pieces, while they are written.
func TestIndexMadeLater(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	const items = 3*filledAtOnce + 7
	for i := range items {
		it := item.Item{"p": S(fmt.Sprint(i)), "g": N(fmt.Sprint(i % 10))}
		if i%11 == 0 {
			it["g"] = S("of a type that the key has not")
		}
		h.put("things", it)
	}
	definitions, key := define("g:N")
	d := must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", AttributeDefinitions: definitions,
		GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{{Create: &ddb.CreateGlobalSecondaryIndexAction{IndexName: "byG", KeySchema: key, Projection: &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll}}}}}).TableDescription
	if x := d.GlobalSecondaryIndexes[0]; x.IndexStatus != ddb.IndexStatusCreating || !*x.Backfilling {
		t.Errorf("%#v", x)
	}
	// What is written before the filling is done is in the index as well.
	h.put("things", item.Item{"p": S("1"), "g": N("99")})
	must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: item.Item{"p": S("2")}})
	h.put("things", item.Item{"p": S("new"), "g": N("99")})
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	described := must(h, h.describeTable, &ddb.DescribeTableInput{TableName: "things"}).Table
	if x := described.GlobalSecondaryIndexes[0]; x.IndexStatus != ddb.IndexStatusActive || x.Backfilling != nil {
		t.Errorf("%#v", x)
	}
	want := 0
	for _, it := range itemsOf(must(h, h.scan, &ddb.ScanInput{TableName: "things"}).Items) {
		if _, ok := it["g"].(N); ok {
			want++
		}
	}
	got := must(h, h.scan, &ddb.ScanInput{TableName: "things", IndexName: "byG"})
	if len(got.Items) != want || *described.GlobalSecondaryIndexes[0].ItemCount != int64(want) {
		t.Errorf("%d entries, %d counted, of %d", len(got.Items), *described.GlobalSecondaryIndexes[0].ItemCount, want)
	}
	found := must(h, h.Service.query, &ddb.QueryInput{TableName: "things", IndexName: "byG", KeyConditionExpression: new("g = :g"), ExpressionAttributeValues: item.Item{":g": N("99")}})
	if len(found.Items) != 2 {
		t.Errorf("found %v", found.Items)
	}
	gone := must(h, h.updateTable, &ddb.UpdateTableInput{TableName: "things", GlobalSecondaryIndexUpdates: []*ddb.GlobalSecondaryIndexUpdate{{Delete: &ddb.DeleteGlobalSecondaryIndexAction{IndexName: "byG"}}}}).TableDescription
	if gone.GlobalSecondaryIndexes[0].IndexStatus != ddb.IndexStatusDeleting || len(gone.AttributeDefinitions) != 1 {
		t.Errorf("%#v", gone)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := fails(h, h.scan, &ddb.ScanInput{TableName: "things", IndexName: "byG"}), "The table does not have the specified index: byG"; got != want {
		t.Error(got)
	}
}

func TestTags(t *testing.T) {
	h := newHost(t)
	arn := h.create("things", "p:S").TableArn
	must(h, h.tagResource, &ddb.TagResourceInput{ResourceArn: arn, Tags: []*ddb.Tag{{Key: "b", Value: "1"}, {Key: "a"}}})
	must(h, h.tagResource, &ddb.TagResourceInput{ResourceArn: arn, Tags: []*ddb.Tag{{Key: "b", Value: "2"}}})
	must(h, h.untagResource, &ddb.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "none"}})
	if got := must(h, h.listTagsOfResource, &ddb.ListTagsOfResourceInput{ResourceArn: arn}).Tags; !reflect.DeepEqual(got, []*ddb.Tag{{Key: "b", Value: "2"}}) {
		t.Errorf("%v", got)
	}
	if got, want := fails(h, h.listTagsOfResource, &ddb.ListTagsOfResourceInput{ResourceArn: arn + "s"}), "Requested resource not found: ResourcArn: "+arn+"s not found"; got != want {
		t.Error(got)
	}
	if got, want := fails(h, h.untagResource, &ddb.UntagResourceInput{ResourceArn: arn + "s", TagKeys: []string{"a"}}), "Requested resource not found"; got != want {
		t.Error(got)
	}
}
