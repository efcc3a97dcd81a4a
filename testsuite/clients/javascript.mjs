// The suite of the AWS SDK for JavaScript v3, as a tutorial has it. It runs in an
// empty directory with AWS_ENDPOINT_URL and credentials set.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import * as apigateway from "@aws-sdk/client-api-gateway";
import { DynamoDBClient, CreateTableCommand, DeleteTableCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import * as iam from "@aws-sdk/client-iam";
import * as lambda from "@aws-sdk/client-lambda";
import * as s3 from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import * as document from "@aws-sdk/lib-dynamodb";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const endpoint = process.env.AWS_ENDPOINT_URL;

async function objects() {
  // Hosts of buckets need a name server; addresses do without.
  const client = new s3.S3Client({ forcePathStyle: true });
  const Bucket = "first";
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  const large = randomBytes(20 << 20);
  await new Upload({ client, params: { Bucket, Key: "large", Body: large }, partSize: 8 << 20 }).done();
  const again = await client.send(new s3.GetObjectCommand({ Bucket, Key: "large" }));
  assert.ok(Buffer.from(await again.Body.transformToByteArray()).equals(large));
  assert.match(again.ETag, /-3"$/);

  for (const Key of ["a/1", "a/2", "b c+d/ü"]) {
    await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: Key, Metadata: { colour: "grey" } }));
  }
  const one = await client.send(new s3.GetObjectCommand({ Bucket, Key: "b c+d/ü" }));
  assert.equal(await one.Body.transformToString(), "b c+d/ü");
  assert.deepEqual(one.Metadata, { colour: "grey" });
  const keys = [];
  for await (const page of s3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) {
    keys.push(...page.Contents.map((o) => o.Key));
  }
  assert.deepEqual(keys, ["a/1", "a/2", "b c+d/ü", "large"]);
  const url = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: "a/1" }));
  assert.equal(await (await fetch(url)).text(), "a/1");
  await assert.rejects(client.send(new s3.GetObjectCommand({ Bucket, Key: "none" })), { name: "NoSuchKey" });
  await assert.rejects(client.send(new s3.DeleteBucketCommand({ Bucket })), { name: "BucketNotEmpty" });
  await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  await client.send(new s3.DeleteBucketCommand({ Bucket }));
}

async function rows() {
  const client = new DynamoDBClient({});
  const TableName = "users";
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "name", KeyType: "HASH" }, { AttributeName: "born", KeyType: "RANGE" }],
      AttributeDefinitions: [{ AttributeName: "name", AttributeType: "S" }, { AttributeName: "born", AttributeType: "N" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName });
  const table = document.DynamoDBDocumentClient.from(client);
  const Item = { name: "ada", born: 1815, tags: new Set(["x", "y"]), deep: { list: [1, null, true] } };
  await table.send(new document.PutCommand({ TableName, Item }));
  await table.send(new document.PutCommand({ TableName, Item: { name: "ada", born: 1816 } }));
  const got = await table.send(new document.GetCommand({ TableName, Key: { name: "ada", born: 1815 } }));
  assert.deepEqual(got.Item, Item);
  const updated = await table.send(
    new document.UpdateCommand({
      TableName,
      Key: { name: "ada", born: 1816 },
      UpdateExpression: "SET age = :a",
      ExpressionAttributeValues: { ":a": 36 },
      ReturnValues: "ALL_NEW",
    }),
  );
  assert.equal(updated.Attributes.age, 36);
  const answer = await table.send(
    new document.QueryCommand({
      TableName,
      KeyConditionExpression: "#n = :n AND born > :b",
      ExpressionAttributeNames: { "#n": "name" },
      ExpressionAttributeValues: { ":n": "ada", ":b": 1815 },
    }),
  );
  assert.deepEqual(answer.Items, [{ name: "ada", born: 1816, age: 36 }]);
  await assert.rejects(
    table.send(new document.PutCommand({ TableName, Item, ConditionExpression: "attribute_not_exists(born)" })),
    { name: "ConditionalCheckFailedException" },
  );
  await client.send(new DeleteTableCommand({ TableName }));
}

async function functions() {
  const identity = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Account, "000000000000");
  const roles = new iam.IAMClient({});
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  const { Role } = await roles.send(new iam.CreateRoleCommand({ RoleName: "hello", AssumeRolePolicyDocument: JSON.stringify(trust) }));

  writeFileSync("index.mjs", 'export const handler = async (event) => ({ statusCode: 200, body: "hello " + (event.name ?? event.path) });\n');
  execFileSync("zip", ["-q", "code.zip", "index.mjs"]);
  const client = new lambda.LambdaClient({});
  const { FunctionArn } = await client.send(
    new lambda.CreateFunctionCommand({
      FunctionName: "hello",
      Runtime: "nodejs20.x",
      Handler: "index.handler",
      Role: Role.Arn,
      Code: { ZipFile: readFileSync("code.zip") },
    }),
  );
  await lambda.waitUntilFunctionActiveV2({ client, maxWaitTime: 60 }, { FunctionName: "hello" });
  const answer = await client.send(new lambda.InvokeCommand({ FunctionName: "hello", Payload: '{"name": "you"}' }));
  assert.equal(answer.StatusCode, 200);
  assert.deepEqual(JSON.parse(answer.Payload.transformToString()), { statusCode: 200, body: "hello you" });
  await assert.rejects(client.send(new lambda.InvokeCommand({ FunctionName: "other" })), { name: "ResourceNotFoundException" });

  const gateway = new apigateway.APIGatewayClient({});
  const { id: restApiId, rootResourceId: parentId } = await gateway.send(new apigateway.CreateRestApiCommand({ name: "hello" }));
  const { id: resourceId } = await gateway.send(new apigateway.CreateResourceCommand({ restApiId, parentId, pathPart: "hello" }));
  const method = { restApiId, resourceId, httpMethod: "GET" };
  await gateway.send(new apigateway.PutMethodCommand({ ...method, authorizationType: "NONE" }));
  await gateway.send(
    new apigateway.PutIntegrationCommand({
      ...method,
      type: "AWS_PROXY",
      integrationHttpMethod: "POST",
      uri: `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${FunctionArn}/invocations`,
    }),
  );
  await client.send(
    new lambda.AddPermissionCommand({
      FunctionName: "hello",
      StatementId: "api",
      Action: "lambda:InvokeFunction",
      Principal: "apigateway.amazonaws.com",
      SourceArn: `arn:aws:execute-api:us-east-1:000000000000:${restApiId}/*/GET/hello`,
    }),
  );
  await gateway.send(new apigateway.CreateDeploymentCommand({ restApiId, stageName: "test" }));
  const page = await fetch(`${endpoint}/restapis/${restApiId}/test/_user_request_/hello`);
  assert.equal(page.status, 200);
  assert.equal(await page.text(), "hello /hello");
  await gateway.send(new apigateway.DeleteRestApiCommand({ restApiId }));
  await client.send(new lambda.DeleteFunctionCommand({ FunctionName: "hello" }));
  await roles.send(new iam.DeleteRoleCommand({ RoleName: "hello" }));
}

for (const part of [objects, rows, functions]) {
  console.log("==", part.name);
  await part();
}
