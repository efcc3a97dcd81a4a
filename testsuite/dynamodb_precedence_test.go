package testsuite

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// precedence is, for each operation on items, a request with everything wrong
// that can be wrong with it at once, and then what mends it, one thing at a time:
// members that take the place of those before, where null removes one. Each step
// is refused for the next thing that DynamoDB looks at; the last is not.
var precedence = []struct {
	operation string
	steps     []step
}{
	{"GetItem", []step{
		{`{"TableName": 1, "ReturnConsumedCapacity": "ALL", "AttributesToGet": ["a", "a"], "ExpressionAttributeNames": {}}`,
			`SerializationException: NUMBER_VALUE cannot be converted to String`},
		{`{"TableName": "nothing"}`,
			`ValidationException: 2 validation errors detected: Value null at 'key' failed to satisfy constraint: Member must not be null; Value 'ALL' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]`},
		{`{"Key": {"p": {}}}`,
			`ValidationException: 1 validation error detected: Value 'ALL' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]`},
		{`{"ReturnConsumedCapacity": "TOTAL", "ProjectionExpression": ""}`,
			`ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}`},
		{`{"ProjectionExpression": null}`,
			`ValidationException: ExpressionAttributeNames can only be specified when using expressions`},
		{`{"ExpressionAttributeNames": null}`,
			`ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes`},
		{`{"Key": {"p": {"NULL": false}}}`,
			`ValidationException: One or more parameter values were invalid: Null attribute value types must have the value of true`},
		{`{"Key": {"p": {"S": "a", "N": "b"}}}`,
			`ValidationException: The parameter cannot be converted to a numeric value: b`},
		{`{"Key": {"p": {"S": "a", "N": "1"}}}`,
			`ValidationException: Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes`},
		{`{"Key": {"p": {"S": "a"}, "s": {"N": "1"}}}`,
			`ValidationException: One or more parameter values were invalid: Duplicate value in attribute name: a`},
		{`{"AttributesToGet": null, "ProjectionExpression": "", "ExpressionAttributeNames": {}}`,
			`ValidationException: ExpressionAttributeNames must not be empty`},
		{`{"ExpressionAttributeNames": {"a": "b"}}`,
			`ValidationException: ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`},
		{`{"ExpressionAttributeNames": {"#a": ""}}`,
			`ValidationException: ExpressionAttributeNames contains invalid value: Empty attribute name for key #a`},
		{`{"ExpressionAttributeNames": {"#a": "b"}}`,
			`ValidationException: Invalid ProjectionExpression: The expression can not be empty;`},
		{`{"ProjectionExpression": "a b"}`,
			`ValidationException: Invalid ProjectionExpression: Syntax error; token: "b", near: "a b"`},
		{`{"ProjectionExpression": "abort"}`,
			`ValidationException: Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: abort`},
		{`{"ProjectionExpression": "#b"}`,
			`ValidationException: Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; attribute name: #b`},
		{`{"ProjectionExpression": "b, b.c"}`,
			`ValidationException: Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [b], path two: [b, c]`},
		{`{"ProjectionExpression": "b"}`,
			`ValidationException: Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}`},
		{`{"ProjectionExpression": "p.x", "ExpressionAttributeNames": null}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TableName": "order"}`,
			`ValidationException: The provided key element does not match the schema`},
		{`{"Key": {"p": {"S": ""}, "s": {"S": "a"}}}`,
			`ValidationException: One or more parameter values were invalid: The AttributeValue for a key attribute cannot contain an empty string value. Key: p`},
		{`{"Key": {"p": {"S": "a"}, "s": {"S": "a"}}}`,
			`ValidationException: Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: p`},
		{`{"ProjectionExpression": "x"}`,
			``},
	}},
	{"PutItem", []step{
		{`{"TableName": "a;", "ReturnValues": "OLD", "ReturnItemCollectionMetrics": "ALL", "Expected": {"a": {"Exists": true}}, "ConditionExpression": "", "ExpressionAttributeValues": {}}`,
			`ValidationException: 5 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3; Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value null at 'item' failed to satisfy constraint: Member must not be null; Value 'OLD' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; Value 'ALL' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]`},
		{`{"TableName": "nothing", "ReturnValues": "ALL_NEW", "ReturnItemCollectionMetrics": "SIZE", "Item": {"p": {"S": "a"}, "x": {"SS": []}}}`,
			`ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}`},
		{`{"ConditionExpression": null}`,
			`ValidationException: ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null`},
		{`{"ExpressionAttributeValues": null}`,
			`ValidationException: One or more parameter values were invalid: An string set  may not be empty`},
		{`{"Item": {"p": {"S": "a"}, "x": {"SS": ["a", "a"]}}}`,
			`ValidationException: One or more parameter values were invalid: Input collection [a, a] contains duplicates.`},
		{`{"Item": {"p": {"S": "a"}, "x": {"NS": ["1", "1.0"]}}}`,
			`ValidationException: Input collection contains duplicates`},
		{`{"Item": {"p": {"S": "a"}, "x": {"BS": ["YQ==", "YQ=="]}}}`,
			`ValidationException: One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS contains duplicates.`},
		{`{"Item": {"p": {"S": "a"}, "x": {"N": "1E126"}}}`,
			`ValidationException: Number overflow. Attempting to store a number with magnitude larger than supported range`},
		{`{"Item": {"p": {"S": "a"}, "x": {"N": "1"}}}`,
			`ValidationException: ReturnValues can only be ALL_OLD or NONE`},
		{`{"ReturnValues": "ALL_OLD"}`,
			`ValidationException: One or more parameter values were invalid: Value must be provided when Exists is true for Attribute: a`},
		{`{"Expected": {"a": {"Exists": false, "Value": {"S": "a"}}}}`,
			`ValidationException: One or more parameter values were invalid: Value cannot be used when Exists is false for Attribute: a`},
		{`{"Expected": {"a": {"AttributeValueList": [{"S": "a"}]}}}`,
			`ValidationException: One or more parameter values were invalid: AttributeValueList can only be used with a ComparisonOperator for Attribute: a`},
		{`{"Expected": {"a": {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "BETWEEN"}}}`,
			`ValidationException: One or more parameter values were invalid: Invalid number of argument(s) for the BETWEEN ComparisonOperator`},
		{`{"Expected": {"a": {"AttributeValueList": [{"S": "b"}, {"S": "a"}], "ComparisonOperator": "BETWEEN"}}}`,
			`ValidationException: The BETWEEN condition was provided a range where the lower bound is greater than the upper bound`},
		{`{"Expected": {"a": {"AttributeValueList": [{"L": []}], "ComparisonOperator": "LT"}}, "ConditionalOperator": "OR"}`,
			`ValidationException: One or more parameter values were invalid: ComparisonOperator LT is not valid for L AttributeValue type`},
		{`{"Expected": {"a": {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "LT"}}}`,
			`ValidationException: ConditionalOperator can only be used when Filter or Expected has two or more elements`},
		{`{"Expected": null, "ConditionalOperator": null, "ConditionExpression": "", "ExpressionAttributeValues": {}}`,
			`ValidationException: ExpressionAttributeValues must not be empty`},
		{`{"ExpressionAttributeValues": {":a": {}}}`,
			`ValidationException: ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :a`},
		{`{"ExpressionAttributeValues": {":a": {"S": "a"}}}`,
			`ValidationException: Invalid ConditionExpression: The expression can not be empty;`},
		{`{"ConditionExpression": "a ="}`,
			`ValidationException: Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="`},
		{`{"ConditionExpression": "b = :b"}`,
			`ValidationException: Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :b`},
		{`{"ConditionExpression": "b = b"}`,
			`ValidationException: Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [b]`},
		{`{"ConditionExpression": "((b = :a))"}`,
			`ValidationException: Invalid ConditionExpression: The expression has redundant parentheses;`},
		{`{"ConditionExpression": "attribute_exists(:a)"}`,
			`ValidationException: Invalid ConditionExpression: Operator or function requires a document path; operator or function: attribute_exists`},
		{`{"ConditionExpression": "attribute_exists(b)"}`,
			`ValidationException: Value provided in ExpressionAttributeValues unused in expressions: keys: {:a}`},
		{`{"ExpressionAttributeValues": null}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TableName": "order"}`,
			`ValidationException: One or more parameter values were invalid: Missing the key s in the item`},
		{`{"Item": {"p": {"S": "a"}, "s": {"N": "1"}}}`,
			`ValidationException: One or more parameter values were invalid: Type mismatch for key s expected: S actual: N`},
		{`{"Item": {"p": {"S": "a"}, "s": {"S": ""}}}`,
			`ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: s`},
		{`{"Item": {"p": {"S": "a"}, "s": {"S": "a"}, "g": {"N": "1"}}}`,
			`ValidationException: One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: index`},
		{`{"Item": {"p": {"S": "a"}, "s": {"S": "a"}, "g": {"S": ""}}}`,
			`ValidationException: One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: index, IndexKey: g`},
		{`{"Item": {"p": {"S": "a"}, "s": {"S": "a"}}}`,
			`ConditionalCheckFailedException: The conditional request failed`},
	}},
	{"UpdateItem", []step{
		{`{"TableName": "nothing", "ReturnValues": "ALL", "AttributeUpdates": {"x": {"Action": "PUT"}}, "UpdateExpression": "", "ExpressionAttributeNames": {}}`,
			`ValidationException: 2 validation errors detected: Value null at 'key' failed to satisfy constraint: Member must not be null; Value 'ALL' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]`},
		{`{"Key": {"p": {"NS": ["x"]}}, "ReturnValues": null}`,
			`ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}`},
		{`{"UpdateExpression": null}`,
			`ValidationException: ExpressionAttributeNames can only be specified when using expressions`},
		{`{"ExpressionAttributeNames": null}`,
			`ValidationException: The parameter cannot be converted to a numeric value: x`},
		{`{"Key": {"p": {"S": "a"}}}`,
			`ValidationException: One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified`},
		{`{"AttributeUpdates": {"x": {"Action": "ADD", "Value": {"S": "a"}}}}`,
			`ValidationException: One or more parameter values were invalid: ADD action is not supported for the type S`},
		{`{"AttributeUpdates": {"x": {"Action": "DELETE", "Value": {"N": "1"}}}}`,
			`ValidationException: One or more parameter values were invalid: DELETE action with value is not supported for the type N`},
		{`{"AttributeUpdates": {"": {"Action": "DELETE"}}}`,
			`ValidationException: One or more parameter values were invalid: Empty attribute name`},
		{`{"AttributeUpdates": null, "UpdateExpression": ""}`,
			`ValidationException: Invalid UpdateExpression: The expression can not be empty;`},
		{`{"UpdateExpression": "SET"}`,
			`ValidationException: Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET"`},
		{`{"UpdateExpression": "SET a = :a, a = :b"}`,
			`ValidationException: Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]`},
		{`{"UpdateExpression": "SET a = :a REMOVE a.b"}`,
			`ValidationException: Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]`},
		{`{"UpdateExpression": "SET a = :a SET b = :a"}`,
			`ValidationException: Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`},
		{`{"UpdateExpression": "SET a = list_append(:a)"}`,
			`ValidationException: Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :a`},
		{`{"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"S": "b"}}}`,
			`ValidationException: Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}`},
		{`{"UpdateExpression": "ADD a :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}`,
			`ValidationException: Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND`},
		{`{"UpdateExpression": "SET p = :a"}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TableName": "order"}`,
			`ValidationException: The provided key element does not match the schema`},
		{`{"Key": {"p": {"S": "a"}, "s": {"S": "a"}}}`,
			`ValidationException: One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key`},
		{`{"UpdateExpression": "SET g = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}`,
			`ValidationException: One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: index`},
		{`{"UpdateExpression": "SET x = y", "ExpressionAttributeValues": null}`,
			`ValidationException: The provided expression refers to an attribute that does not exist in the item`},
		{`{"UpdateExpression": "SET x.y = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}`,
			`ValidationException: The document path provided in the update expression is invalid for update`},
		{`{"UpdateExpression": "SET x = x + :a"}`,
			`ValidationException: The provided expression refers to an attribute that does not exist in the item`},
		{`{"UpdateExpression": "SET x = :a"}`,
			``},
	}},
	{"DeleteItem", []step{
		{`{"ReturnValues": "ALL_NEW", "ConditionalOperator": "AND", "ConditionExpression": "a"}`,
			`ValidationException: 2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'key' failed to satisfy constraint: Member must not be null`},
		{`{"TableName": "nothing", "Key": {"p": {"BS": []}}}`,
			`ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {ConditionalOperator} Expression parameters: {ConditionExpression}`},
		{`{"ConditionExpression": null}`,
			`ValidationException: One or more parameter values were invalid: Binary sets should not be empty`},
		{`{"Key": {"p": {"S": "a"}}}`,
			`ValidationException: ReturnValues can only be ALL_OLD or NONE`},
		{`{"ReturnValues": "NONE"}`,
			`ValidationException: ConditionalOperator cannot be used without Filter or Expected`},
		{`{"ConditionalOperator": null}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TableName": "order"}`,
			`ValidationException: The provided key element does not match the schema`},
		{`{"Key": {"p": {"S": "a"}, "s": {"S": "a"}}}`,
			``},
	}},
	{"Query", []step{
		{`{"TableName": "nothing", "Limit": 0, "Select": "ALL_PROJECTED_ATTRIBUTES", "KeyConditions": {}, "QueryFilter": {"p": {"ComparisonOperator": "LT", "AttributeValueList": [{"SS": ["a"]}]}}, "FilterExpression": "", "ExclusiveStartKey": {"p": {"N": "x"}}}`,
			`ValidationException: 1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1`},
		{`{"Limit": 1}`,
			`ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {QueryFilter} Expression parameters: {FilterExpression}`},
		{`{"FilterExpression": null}`,
			`ValidationException: One or more parameter values were invalid: ComparisonOperator LT is not valid for SS AttributeValue type`},
		{`{"Select": "COUNT"}`,
			`ValidationException: One or more parameter values were invalid: ComparisonOperator LT is not valid for SS AttributeValue type`},
		{`{"QueryFilter": {"p": {"ComparisonOperator": "LT", "AttributeValueList": [{"S": "a"}]}}}`,
			`ValidationException: The parameter cannot be converted to a numeric value: x`},
		{`{"ExclusiveStartKey": {"p": {"S": "x"}}}`,
			`ValidationException: Conditions can be of length 1 or 2 only`},
		{`{"KeyConditions": {"s": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TableName": "order", "IndexName": "none"}`,
			`ValidationException: The table does not have the specified index: none`},
		{`{"IndexName": "index", "ConsistentRead": true}`,
			`ValidationException: Consistent reads are not supported on global secondary indexes`},
		{`{"IndexName": null}`,
			`ValidationException: The provided starting key is invalid`},
		{`{"ExclusiveStartKey": {"p": {"S": "b"}, "s": {"S": "b"}}}`,
			`ValidationException: Query condition missed key schema element: p`},
		{`{"KeyConditions": {"p": {"ComparisonOperator": "LT", "AttributeValueList": [{"S": "a"}]}}}`,
			`ValidationException: Query key condition not supported`},
		{`{"KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}}`,
			`ValidationException: The provided starting key is outside query boundaries based on provided conditions`},
		{`{"ExclusiveStartKey": {"p": {"S": "a"}, "s": {"S": "b"}}}`,
			`ValidationException: QueryFilter can only contain non-primary key attributes: Primary key attribute: p`},
		{`{"QueryFilter": null, "KeyConditions": null}`,
			`ValidationException: Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.`},
		{`{"KeyConditionExpression": ""}`,
			`ValidationException: Invalid KeyConditionExpression: The expression can not be empty;`},
		{`{"KeyConditionExpression": "p = :p OR s = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}`,
			`ValidationException: Invalid operator used in KeyConditionExpression: OR`},
		{`{"KeyConditionExpression": "p = :p AND p = :p"}`,
			`ValidationException: KeyConditionExpressions must only contain one condition per key`},
		{`{"KeyConditionExpression": "size(p) = :p"}`,
			`ValidationException: KeyConditionExpressions cannot contain nested operations`},
		{`{"KeyConditionExpression": "p = :p AND s <> :p"}`,
			`ValidationException: Invalid operator used in KeyConditionExpression: <>`},
		{`{"KeyConditionExpression": "p = :p AND x = :p"}`,
			`ValidationException: Query condition missed key schema element: s`},
		{`{"KeyConditionExpression": "p = :p AND s > :p", "FilterExpression": "s = :p"}`,
			`ValidationException: Filter Expression can only contain non-primary key attributes: Primary key attribute: s`},
		{`{"FilterExpression": "x = :p"}`,
			``},
	}},
	{"Scan", []step{
		{`{"TableName": "nothing", "Segment": 1, "TotalSegments": 1, "Select": "SPECIFIC_ATTRIBUTES", "ScanFilter": {"a": {"ComparisonOperator": "NULL", "AttributeValueList": [{"S": "a"}]}}, "ConditionalOperator": "OR", "ExclusiveStartKey": {"p": {}}}`,
			`ValidationException: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES`},
		{`{"Select": null}`,
			`ValidationException: ConditionalOperator can only be used when Filter or Expected has two or more elements`},
		{`{"ConditionalOperator": null}`,
			`ValidationException: One or more parameter values were invalid: Invalid number of argument(s) for the NULL ComparisonOperator`},
		{`{"ScanFilter": null}`,
			`ValidationException: The provided starting key is invalid: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes`},
		{`{"ExclusiveStartKey": {"p": {"S": "a"}}}`,
			`ValidationException: The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 1 is not less than TotalSegments: 1`},
		{`{"Segment": null}`,
			`ValidationException: The Segment parameter is required but was not present in the request when parameter TotalSegments is present`},
		{`{"Segment": 0, "TotalSegments": null}`,
			`ValidationException: The TotalSegments parameter is required but was not present in the request when Segment parameter is present`},
		{`{"TotalSegments": 1, "FilterExpression": "size(a)"}`,
			`ValidationException: Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: size`},
		{`{"FilterExpression": "a IN ()"}`,
			`ValidationException: Invalid FilterExpression: Syntax error; token: ")", near: "()"`},
		{`{"FilterExpression": "attribute_exists(a)", "ProjectionExpression": "a[0], a[0].b"}`,
			`ValidationException: Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, [0], b]`},
		{`{"ProjectionExpression": "a"}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TableName": "order"}`,
			`ValidationException: The provided starting key is invalid: The provided key element does not match the schema`},
		{`{"ExclusiveStartKey": {"p": {"S": "a"}, "s": {"S": "a"}, "x": {"S": "a"}}}`,
			`ValidationException: The provided starting key is invalid: The provided key element does not match the schema`},
		{`{"ExclusiveStartKey": null, "IndexName": "index", "Select": "ALL_ATTRIBUTES", "ProjectionExpression": null}`,
			`ValidationException: One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index index because its projection type is not ALL`},
		{`{"Select": null}`,
			``},
	}},
	{"BatchGetItem", []step{
		{`{}`,
			`ValidationException: 1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null`},
		{`{"RequestItems": {}}`,
			`ValidationException: 1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{`{"RequestItems": {"nothing": {"Keys": []}}}`,
			`ValidationException: 1 validation error detected: Value at 'RequestItems.nothing.member.Keys' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{`{"RequestItems": {"nothing": {"Keys": [{"p": {}}], "AttributesToGet": ["a"], "ProjectionExpression": "a"}}}`,
			`ValidationException: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}`},
		{`{"RequestItems": {"nothing": {"Keys": [{"p": {}}], "AttributesToGet": ["a", "a"]}}}`,
			`ValidationException: One or more parameter values were invalid: Duplicate value in attribute name: a`},
		{`{"RequestItems": {"nothing": {"Keys": [{"p": {}}]}}}`,
			`ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes`},
		{`{"RequestItems": {"nothing": {"Keys": [{"p": {"S": "a"}}, {"p": {"S": "a"}}]}}}`,
			`ValidationException: Provided list of item keys contains duplicates`},
		{`{"RequestItems": {"nothing": {"Keys": [{"p": {"S": "a"}}]}}}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"RequestItems": {"order": {"Keys": [{"p": {"S": "a"}}]}}}`,
			`ValidationException: The provided key element does not match the schema`},
		{`{"RequestItems": {"order": {"Keys": [{"p": {"S": "a"}, "s": {"S": "a"}}]}}}`,
			``},
	}},
	{"BatchWriteItem", []step{
		{`{"RequestItems": {"nothing": []}}`,
			`ValidationException: 1 validation error detected: Value '{nothing=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]`},
		{`{"RequestItems": {"nothing": [{}]}}`,
			`ValidationException: Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes`},
		{`{"RequestItems": {"nothing": [{"PutRequest": {"Item": {}}, "DeleteRequest": {"Key": {}}}]}}`,
			`ValidationException: Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes`},
		{`{"RequestItems": {"nothing": [{"PutRequest": {"Item": {"a": {"N": "x"}}}}]}}`,
			`ValidationException: The parameter cannot be converted to a numeric value: x`},
		{`{"RequestItems": {"nothing": [{"PutRequest": {"Item": {"a": {"N": "1"}}}}]}}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"RequestItems": {"order": [{"PutRequest": {"Item": {"a": {"N": "1"}}}}]}}`,
			`ValidationException: The provided key element does not match the schema`},
		{`{"RequestItems": {"order": [{"PutRequest": {"Item": {"p": {"S": "a"}, "s": {"S": "a"}}}}, {"DeleteRequest": {"Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}]}}`,
			`ValidationException: Provided list of item keys contains duplicates`},
		{`{"RequestItems": {"order": [{"DeleteRequest": {"Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}]}}`,
			``},
	}},
	{"TransactGetItems", []step{
		{`{"TransactItems": []}`,
			`ValidationException: 1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{`{"TransactItems": [{}]}`,
			`ValidationException: 1 validation error detected: Value null at 'transactItems.1.member.get' failed to satisfy constraint: Member must not be null`},
		{`{"TransactItems": [{"Get": {"TableName": "nothing", "Key": {"p": {}}, "ExpressionAttributeNames": {}}}]}`,
			`ValidationException: ExpressionAttributeNames can only be specified when using expressions`},
		{`{"TransactItems": [{"Get": {"TableName": "nothing", "Key": {"p": {}}, "ProjectionExpression": ""}}]}`,
			`ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes`},
		{`{"TransactItems": [{"Get": {"TableName": "nothing", "Key": {"p": {"S": "a"}}, "ProjectionExpression": ""}}]}`,
			`ValidationException: Invalid ProjectionExpression: The expression can not be empty;`},
		{`{"TransactItems": [{"Get": {"TableName": "nothing", "Key": {"p": {"S": "a"}}}}]}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TransactItems": [{"Get": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}, {"Get": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}]}`,
			`ValidationException: Transaction request cannot include multiple operations on one item`},
		{`{"TransactItems": [{"Get": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}, {"Get": {"TableName": "order", "Key": {"p": {"S": "a"}}}}]}`,
			`TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]`},
		{`{"TransactItems": [{"Get": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}]}`,
			``},
	}},
	{"TransactWriteItems", []step{
		{`{"TransactItems": []}`,
			`ValidationException: 1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{`{"TransactItems": [{}]}`,
			`ValidationException: TransactItems can only contain one of Check, Put, Update or Delete`},
		{`{"TransactItems": [{"Put": {"TableName": "nothing", "Item": {"p": {"SS": []}}}, "Delete": {"TableName": "nothing", "Key": {"p": {}}}}]}`,
			`ValidationException: TransactItems can only contain one of Check, Put, Update or Delete`},
		{`{"TransactItems": [{"ConditionCheck": {"TableName": "nothing", "Key": {"p": {"S": "a"}}}}]}`,
			`ValidationException: 1 validation error detected: Value null at 'transactItems.1.member.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null`},
		{`{"TransactItems": [{"Put": {"TableName": "nothing", "Item": {"p": {"SS": []}}, "ExpressionAttributeValues": {}}}]}`,
			`ValidationException: ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null`},
		{`{"TransactItems": [{"Put": {"TableName": "nothing", "Item": {"p": {"SS": []}}}}]}`,
			`ValidationException: One or more parameter values were invalid: An string set  may not be empty`},
		{`{"TransactItems": [{"Update": {"TableName": "nothing", "Key": {"p": {"S": "a"}}, "UpdateExpression": "SET a"}}]}`,
			`ValidationException: Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "a"`},
		{`{"TransactItems": [{"Update": {"TableName": "nothing", "Key": {"p": {"S": "a"}}, "UpdateExpression": "REMOVE a"}}]}`,
			`ResourceNotFoundException: Requested resource not found`},
		{`{"TransactItems": [{"Delete": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}, {"ConditionCheck": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}, "ConditionExpression": "attribute_exists(p)"}}]}`,
			`ValidationException: Transaction request cannot include multiple operations on one item`},
		{`{"TransactItems": [{"Delete": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}, {"Put": {"TableName": "order", "Item": {"p": {"S": "b"}}}}]}`,
			`TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]`},
		{`{"TransactItems": [{"Delete": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}, {"ConditionCheck": {"TableName": "order", "Key": {"p": {"S": "b"}, "s": {"S": "a"}}, "ConditionExpression": "attribute_exists(p)"}}]}`,
			`TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]`},
		{`{"TransactItems": [{"Delete": {"TableName": "order", "Key": {"p": {"S": "a"}, "s": {"S": "a"}}}}]}`,
			``},
	}},
}

// step is what is changed of a request, and its error: "" for none.
type step struct{ mend, want string }

// Errors come in DynamoDB's order, in DynamoDB's words.
func TestDynamoDBErrorPrecedence(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	define := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	must(a.DynamoDB.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("order"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{define("p"), define("s"), define("g")},
		KeySchema:            []types.KeySchemaElement{key("p", types.KeyTypeHash), key("s", types.KeyTypeRange)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("index"), KeySchema: []types.KeySchemaElement{key("g", types.KeyTypeHash)}, Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}))(t)
	for _, p := range precedence {
		t.Run(p.operation, func(t *testing.T) {
			body := map[string]json.RawMessage{}
			for i, s := range p.steps {
				var mend map[string]json.RawMessage
				if err := json.Unmarshal([]byte(s.mend), &mend); err != nil {
					t.Fatalf("%s: %v", s.mend, err)
				}
				for name, value := range mend {
					body[name] = value
					if string(value) == "null" {
						delete(body, name)
					}
				}
				if got := bareError(t, a, p.operation, body); got != s.want {
					t.Errorf("step %d, %s:\n got %s\nwant %s", i, s.mend, got, s.want)
				}
			}
		})
	}
}

// bareError is the error of a request that no SDK would send, "" when it has none.
func bareError(t *testing.T, a *harness.Account, operation string, body map[string]json.RawMessage) string {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	call := bareCall{operation, string(text), nil}
	resp, answer := call.send(t, a)
	if resp.StatusCode == http.StatusOK {
		return ""
	}
	var e struct {
		Type    string `json:"__type"`
		Message string
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	_, name, _ := strings.Cut(e.Type, "#")
	return name + ": " + e.Message
}
