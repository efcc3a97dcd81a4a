"""boto3's suite: the resource and client interfaces as a tutorial has them.

It runs in an empty directory, with AWS_ENDPOINT_URL and credentials set."""

import io
import json
import os
import urllib.request
import zipfile

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

# boto3 reads this variable itself since 1.28; older ones are told.
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def client(name):
    return boto3.client(name, endpoint_url=ENDPOINT)


def resource(name):
    return boto3.resource(name, endpoint_url=ENDPOINT)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"not refused with {code}")


def s3():
    large = os.urandom(20 << 20)
    bucket = resource("s3").create_bucket(Bucket="first")
    bucket.upload_fileobj(io.BytesIO(large), "large", ExtraArgs={"Metadata": {"colour": "grey"}})
    again = io.BytesIO()
    bucket.download_fileobj("large", again)
    assert again.getvalue() == large
    large_object = bucket.Object("large")
    assert large_object.metadata == {"colour": "grey"}
    assert large_object.e_tag.endswith('-3"'), large_object.e_tag  # parts of 8 MB

    for key in ("a/1", "a/2", "b c+d/ü"):
        bucket.put_object(Key=key, Body=key.encode())
    assert [o.key for o in bucket.objects.all()] == ["a/1", "a/2", "b c+d/ü", "large"]
    assert bucket.Object("b c+d/ü").get()["Body"].read() == "b c+d/ü".encode()
    bucket.Object("copy").copy({"Bucket": "first", "Key": "large"})
    assert bucket.Object("copy").content_length == len(large)
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket="first", Delimiter="/", PaginationConfig={"PageSize": 1})
    assert [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])] == ["a/", "b c+d/"]
    url = client("s3").generate_presigned_url("get_object", Params={"Bucket": "first", "Key": "a/1"})
    assert urllib.request.urlopen(url).read() == b"a/1"
    refused("NoSuchKey", client("s3").get_object, Bucket="first", Key="none")
    refused("404", client("s3").head_object, Bucket="first", Key="none")
    refused("BucketNotEmpty", client("s3").delete_bucket, Bucket="first")
    bucket.objects.all().delete()
    bucket.delete()
    bucket.wait_until_not_exists()


def dynamodb():
    table = resource("dynamodb").create_table(
        TableName="users",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}, {"AttributeName": "born", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}, {"AttributeName": "born", "AttributeType": "N"}],
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for year in range(1900, 1940):
            batch.put_item(Item={"name": "ada", "born": year, "tags": {"x", "y"}, "deep": {"list": [1, None, True]}})
    assert table.scan(Select="COUNT")["Count"] == 40
    got = table.get_item(Key={"name": "ada", "born": 1915})["Item"]
    assert got["tags"] == {"x", "y"} and got["deep"]["list"] == [1, None, True], got
    answer = table.query(KeyConditionExpression=Key("name").eq("ada") & Key("born").between(1910, 1912), FilterExpression=Attr("tags").contains("x"))
    assert [item["born"] for item in answer["Items"]] == [1910, 1911, 1912]
    answer = table.update_item(
        Key={"name": "ada", "born": 1915}, UpdateExpression="SET age = :a", ExpressionAttributeValues={":a": 36}, ReturnValues="ALL_NEW"
    )
    assert answer["Attributes"]["age"] == 36
    refused(
        "ConditionalCheckFailedException",
        table.put_item,
        Item={"name": "ada", "born": 1915},
        ConditionExpression=Attr("name").not_exists(),
    )
    table.delete()
    table.wait_until_not_exists()


def functions():
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = resource("iam").create_role(RoleName="hello", AssumeRolePolicyDocument=json.dumps(trust))
    assert role.assume_role_policy_document == trust
    assert client("sts").get_caller_identity()["Account"] == "000000000000"

    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as z:
        z.writestr("app.py", "def handler(event, context): return {'statusCode': 200, 'body': 'hello ' + event.get('name', event.get('path', ''))}")
    functions = client("lambda")
    function = functions.create_function(
        FunctionName="hello", Runtime="python3.11", Handler="app.handler", Role=role.arn, Code={"ZipFile": package.getvalue()}
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="hello")
    answer = functions.invoke(FunctionName="hello", Payload=json.dumps({"name": "you"}))
    assert answer["StatusCode"] == 200 and json.load(answer["Payload"])["body"] == "hello you"
    refused("ResourceNotFoundException", functions.invoke, FunctionName="other")

    gateway = client("apigateway")
    api = gateway.create_rest_api(name="hello")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    hello = gateway.create_resource(restApiId=api, parentId=root, pathPart="hello")["id"]
    gateway.put_method(restApiId=api, resourceId=hello, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(
        restApiId=api,
        resourceId=hello,
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function['FunctionArn']}/invocations",
    )
    functions.add_permission(
        FunctionName="hello",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api}/*/GET/hello",
    )
    gateway.create_deployment(restApiId=api, stageName="test")
    with urllib.request.urlopen(f"{ENDPOINT}/restapis/{api}/test/_user_request_/hello") as answer:
        assert answer.read() == b"hello /hello"
    gateway.delete_rest_api(restApiId=api)
    functions.delete_function(FunctionName="hello")
    role.delete()
    refused("NoSuchEntity", client("iam").get_role, RoleName="hello")


for part in (s3, dynamodb, functions):
    print("==", part.__name__)
    part()
