"""DynamoDB through boto3's resource layer, with all of its conditions, and the
examples that botocore has of DynamoDB.

It runs in an empty directory, with AWS_ENDPOINT_URL and credentials set."""

import gzip
import json
import os
from decimal import Decimal

import boto3
import botocore
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
RESOURCE = boto3.resource("dynamodb", endpoint_url=ENDPOINT)
CLIENT = boto3.client("dynamodb", endpoint_url=ENDPOINT)


def table(name, *keys, **more):
    made = RESOURCE.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in zip([k[0] for k in keys], ("HASH", "RANGE"))],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": t} for k, t in keys],
        **more,
    )
    made.wait_until_exists()
    return made


def conditions():
    scores = table("scores", ("player", "S"), ("round", "N"))
    with scores.batch_writer(overwrite_by_pkeys=["player", "round"]) as batch:
        for i in range(30):
            item = {"player": "p%d" % (i % 3), "round": i, "points": Decimal(i) / 4, "word": "abc"[: i % 4], "even": i % 2 == 0}
            if i % 5 == 0:
                item["tags"] = {"five", "n%d" % i}
            if i % 7 == 0:
                item["deep"] = {"list": [i, {"name": "x%d" % i}], "none": None, "raw": Binary(bytes([i]))}
            batch.put_item(Item=item)

    def found(condition):
        return {int(item["round"]) for item in scores.scan(FilterExpression=condition)["Items"]}

    everything = set(range(30))
    for condition, wanted in [
        (Attr("points").eq(Decimal("2.5")), {10}),
        (Attr("points").ne(Decimal("2.5")), everything - {10}),
        (Attr("points").lt(1), {0, 1, 2, 3}),
        (Attr("points").lte(1), {0, 1, 2, 3, 4}),
        (Attr("points").gt(7), {29}),
        (Attr("points").gte(7), {28, 29}),
        (Attr("points").between(1, 2), {4, 5, 6, 7, 8}),
        (Attr("points").is_in([0, 1, "2"]), {0, 4}),
        (Attr("word").begins_with("ab"), {i for i in everything if i % 4 > 1}),
        (Attr("word").contains("c"), {i for i in everything if i % 4 == 3}),
        (Attr("word").size().eq(0), {i for i in everything if i % 4 == 0}),
        (Attr("tags").contains("n10"), {10}),
        (Attr("tags").size().gt(1), {0, 5, 10, 15, 20, 25}),
        (Attr("tags").exists(), {0, 5, 10, 15, 20, 25}),
        (Attr("tags").not_exists() & Attr("even").eq(True), {i for i in everything if i % 2 == 0 and i % 5}),
        (Attr("deep").attribute_type("M"), {0, 7, 14, 21, 28}),
        (Attr("deep.none").attribute_type("NULL"), {0, 7, 14, 21, 28}),
        (Attr("deep.list[1].name").eq("x14"), {14}),
        (Attr("deep.raw").eq(Binary(b"\x07")), {7}),
        (~Attr("deep").exists() & (Attr("points").lt(1) | Attr("points").gt(7)), {1, 2, 3, 29}),
    ]:
        assert found(condition) == wanted, (condition.get_expression(), found(condition))

    for condition, wanted in [
        (Key("round").lt(6), [1, 4]),
        (Key("round").lte(7), [1, 4, 7]),
        (Key("round").gt(22), [25, 28]),
        (Key("round").gte(22), [22, 25, 28]),
        (Key("round").eq(13), [13]),
        (Key("round").between(10, 16), [10, 13, 16]),
    ]:
        answer = scores.query(KeyConditionExpression=Key("player").eq("p1") & condition)
        assert [int(item["round"]) for item in answer["Items"]] == wanted
    pages, start = [], {}
    while True:
        answer = scores.query(KeyConditionExpression=Key("player").eq("p2"), Limit=4, ScanIndexForward=False, ProjectionExpression="#r", ExpressionAttributeNames={"#r": "round"}, **start)
        pages.append([int(item["round"]) for item in answer["Items"]])
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert pages == [[29, 26, 23, 20], [17, 14, 11, 8], [5, 2]], pages

    key = {"player": "p0", "round": 0}
    answer = scores.update_item(
        Key=key,
        UpdateExpression="SET points = points + :one, deep.#l[0] = :one REMOVE word ADD tags :more",
        ConditionExpression=Attr("deep.list").exists(),
        ExpressionAttributeNames={"#l": "list"},
        ExpressionAttributeValues={":one": 1, ":more": {"extra"}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"]["points"] == 1 and answer["Attributes"]["tags"] == {"five", "n0", "extra"}
    assert answer["Attributes"]["deep"]["list"] == [1, {"name": "x0"}] and "word" not in answer["Attributes"]
    exact = Decimal("0.10000000000000000000000000000000000001")
    scores.put_item(Item={"player": "exact", "round": exact, "set": {exact, Decimal("1E+30")}, "empty": "", "bytes": b""})
    item = scores.get_item(Key={"player": "exact", "round": exact}, ConsistentRead=True)["Item"]
    assert item["round"] == exact and item["set"] == {exact, Decimal("1E+30")} and item["bytes"] == b"", item
    try:
        scores.delete_item(Key=key, ConditionExpression=Attr("points").gt(1))
    except RESOURCE.meta.client.exceptions.ConditionalCheckFailedException:
        pass
    else:
        raise AssertionError("deleted")
    got = RESOURCE.batch_get_item(RequestItems={"scores": {"Keys": [key, {"player": "p1", "round": 1}], "AttributesToGet": ["round"]}})
    assert sorted(item["round"] for item in got["Responses"]["scores"]) == [0, 1]


# What botocore's examples answer that is of their time, or of what their
# account did before: everything else is compared.
VARYING = {"CreationDateTime", "LastIncreaseDateTime", "LastDecreaseDateTime", "NumberOfDecreasesToday"}


def holds(got, wanted, path=""):
    """Says whether an answer has all that an example has."""
    if isinstance(wanted, dict):
        assert isinstance(got, dict), path
        for name, value in wanted.items():
            if name not in VARYING:
                assert name in got, (path, name, got)
                holds(got[name], value, path + "." + name)
    elif isinstance(wanted, list):
        rest = list(got)
        assert len(rest) >= len(wanted), (path, got, wanted)
        for value in wanted:
            assert value in rest, (path, value, rest)
            rest.remove(value)
    else:
        assert got == wanted, (path, got, wanted)


def examples():
    folder = os.path.join(os.path.dirname(botocore.__file__), "data", "dynamodb", "2012-08-10")
    for name, opened in (("examples-1.json", open), ("examples-1.json.gz", gzip.open)):
        if os.path.exists(os.path.join(folder, name)):
            with opened(os.path.join(folder, name)) as f:
                known = {operation: one[0] for operation, one in json.load(f)["examples"].items()}
            break
    else:
        print("skip: this botocore has no examples of DynamoDB")
        return

    def run(operation, *unlike):
        example = known.pop(operation)
        method = "".join("_" + c.lower() if c.isupper() else c for c in operation).lstrip("_")
        wanted = {name: value for name, value in example["output"].items() if name not in unlike}
        holds(getattr(CLIENT, method)(**example["input"]), wanted, operation)

    run("CreateTable")
    CLIENT.get_waiter("table_exists").wait(TableName="Music")
    run("DescribeTable")
    for name in ("Forum", "ProductCatalog", "Reply", "Thread"):
        table(name, ("id", "S"))
    run("ListTables")
    run("BatchWriteItem")
    run("PutItem")
    run("GetItem")
    run("UpdateItem")
    run("Query", "ConsumedCapacity")  # which the example does not ask for
    run("Scan", "ConsumedCapacity")
    # The examples do not know of each other: this one has its own titles.
    for song, album in (("Call Me Today", "Somewhat Famous"), ("Scared of My Shadow", "Blue Sky Blues")):
        CLIENT.put_item(TableName="Music", Item={"Artist": {"S": "No One You Know"}, "SongTitle": {"S": song}, "AlbumTitle": {"S": album}})
    run("BatchGetItem")
    run("DeleteItem", "ConsumedCapacity")
    run("DeleteTable")
    run("DescribeLimits", "AccountMaxReadCapacityUnits", "AccountMaxWriteCapacityUnits", "TableMaxReadCapacityUnits", "TableMaxWriteCapacityUnits")
    made = known.pop("UpdateTable")["input"]
    CLIENT.create_table(
        TableName=made["TableName"],
        KeySchema=[{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "SongTitle", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "Artist", "AttributeType": "S"}, {"AttributeName": "SongTitle", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    answer = CLIENT.update_table(**made)["TableDescription"]
    assert answer["TableStatus"] == "UPDATING" and answer["ProvisionedThroughput"]["ReadCapacityUnits"] == 1, answer
    assert not known, f"examples that were not run: {list(known)}"


def legacy():
    """The parameters from before there were expressions, which boto3 still takes."""
    old = table("old", ("id", "S"))
    old.put_item(Item={"id": "a", "n": 1, "set": {1, 2}}, Expected={"id": {"Exists": False}})
    try:
        old.put_item(Item={"id": "a"}, Expected={"n": {"ComparisonOperator": "GT", "AttributeValueList": [1]}})
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"
    else:
        raise AssertionError("put")
    answer = old.update_item(
        Key={"id": "a"},
        AttributeUpdates={"n": {"Action": "ADD", "Value": 2}, "set": {"Action": "DELETE", "Value": {1}}, "new": {"Action": "PUT", "Value": [None]}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == {"id": "a", "n": 3, "set": {2}, "new": [None]}, answer
    answer = old.scan(ScanFilter={"n": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [2, 4]}}, AttributesToGet=["n"])
    assert answer["Items"] == [{"n": 3}]
    answer = old.query(KeyConditions={"id": {"ComparisonOperator": "EQ", "AttributeValueList": ["a"]}}, Select="COUNT")
    assert answer["Count"] == 1


for step in (conditions, examples, legacy):
    step()
