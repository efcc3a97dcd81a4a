package testsuite

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// A search finds the items whose vectors are nearest, of the partition that it
// names.
func TestVectorSearch(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := table(t, a, func(in *dynamodb.CreateTableInput) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("genre"), AttributeType: types.ScalarAttributeTypeS})
		in.VectorIndexes = []types.VectorIndex{{
			IndexName: aws.String("sound"), VectorAttribute: &types.VectorAttributeDefinition{AttributeName: aws.String("embedding")},
			Dimensions: aws.Int64(2), DistanceFunction: types.VectorDistanceFunctionEuclidean, Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			SearchSchema: []types.SearchSchemaElement{{AttributeName: aws.String("genre"), SearchSchemaElementType: types.SearchSchemaElementTypeHash}},
		}}
	})
	vector := func(x, y int) []types.AttributeValue { return []types.AttributeValue{n(x), n(y)} }
	for i, genre := range []string{"jazz", "jazz", "soul", "jazz"} {
		must(a.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row{
			"artist": s("Nina"), "song": n(i), "genre": s(genre), "embedding": &types.AttributeValueMemberL{Value: vector(i, 0)},
		}}))(t)
	}
	out := must(a.DynamoDB.SearchVectors(ctx, &dynamodb.SearchVectorsInput{
		TableName: name, IndexName: aws.String("sound"), SearchVector: vector(2, 0), TopK: aws.Int32(2),
		SearchConditionExpression: aws.String("genre = :g"), ExpressionAttributeValues: row{":g": s("jazz")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}))(t)
	var songs []string
	for _, r := range out.SearchResults {
		if r.Score != 1 || r.Item["embedding"] != nil {
			t.Errorf("a result is %v with %v", r.Item, r.Score)
		}
		songs = append(songs, r.Item["song"].(*types.AttributeValueMemberN).Value)
	}
	if len(songs) != 2 || songs[0]+songs[1] != "13" && songs[0]+songs[1] != "31" || *out.ConsumedCapacity.VectorSearchRequestBytes <= 0 {
		t.Errorf("found %v", songs)
	}
	_, err := a.DynamoDB.SearchVectors(ctx, &dynamodb.SearchVectorsInput{TableName: name, IndexName: aws.String("sound"), SearchVector: vector(2, 0), TopK: aws.Int32(2)})
	if said := refused(t, err, "ValidationException"); said != "SearchConditionExpression must be provided when SearchSchema has a HASH key" {
		t.Errorf("%q", said)
	}
	described := must(a.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}))(t).Table
	if len(described.VectorIndexes) != 1 || *described.VectorIndexes[0].Dimensions != 2 || described.VectorIndexes[0].IndexStatus != types.IndexStatusActive {
		t.Errorf("%+v", described.VectorIndexes)
	}
}
