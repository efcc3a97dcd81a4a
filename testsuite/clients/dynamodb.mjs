// DynamoDB through the libraries that people put between it and themselves:
// dynamodb-toolbox, ElectroDB and Dynamoose. It runs in an empty directory with
// AWS_ENDPOINT_URL and credentials set.

import assert from "node:assert/strict";

import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import dynamoose from "dynamoose";
import * as toolbox from "dynamodb-toolbox";
import * as electro from "electrodb";

const client = new DynamoDBClient({});
const documentClient = DynamoDBDocumentClient.from(client);

async function table(TableName) {
  const key = (hash, range) => [{ AttributeName: hash, KeyType: "HASH" }, { AttributeName: range, KeyType: "RANGE" }];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk", "gsi1pk", "gsi1sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: key("pk", "sk"),
      GlobalSecondaryIndexes: [{ IndexName: "gsi1", KeySchema: key("gsi1pk", "gsi1sk"), Projection: { ProjectionType: "ALL" } }],
    }),
  );
  return TableName;
}

async function throughToolbox() {
  const { $add, $append, $remove, item, list, map, number, set, string } = toolbox;
  const store = new toolbox.Table({
    name: await table("toolbox"),
    documentClient,
    partitionKey: { name: "pk", type: "string" },
    sortKey: { name: "sk", type: "string" },
  });
  const Pokemon = new toolbox.Entity({
    name: "Pokemon",
    table: store,
    schema: item({
      trainer: string().key().savedAs("pk"),
      name: string().key().savedAs("sk"),
      level: number().default(1),
      moves: list(string()).optional(),
      types: set(string()).optional(),
      at: map({ town: string(), steps: number().optional() }).optional(),
      nickname: string().optional(),
    }),
  });
  const build = (action) => Pokemon.build(action);

  await build(toolbox.PutItemCommand)
    .item({ trainer: "ash", name: "pikachu", moves: ["spark"], types: new Set(["electric"]), at: { town: "pallet" }, nickname: "pika" })
    .options({ condition: { attr: "name", exists: false } })
    .send();
  await assert.rejects(
    build(toolbox.PutItemCommand).item({ trainer: "ash", name: "pikachu" }).options({ condition: { attr: "name", exists: false } }).send(),
    { name: "ConditionalCheckFailedException" },
  );
  const updated = await build(toolbox.UpdateItemCommand)
    .item({ trainer: "ash", name: "pikachu", level: $add(41), moves: $append(["bolt"]), types: $add(new Set(["fast"])), at: { steps: 7 }, nickname: $remove() })
    .options({ returnValues: "ALL_NEW", condition: { and: [{ attr: "level", lt: 100 }, { attr: "at.town", beginsWith: "pal" }] } })
    .send();
  assert.equal(updated.Attributes.level, 42);
  assert.deepEqual(updated.Attributes.moves, ["spark", "bolt"]);
  assert.deepEqual(updated.Attributes.at, { town: "pallet", steps: 7 });
  assert.equal(updated.Attributes.nickname, undefined);

  const others = ["abra", "eevee", "onix"];
  const requests = others.map((name) => build(toolbox.BatchPutRequest).item({ trainer: "ash", name }));
  await toolbox.executeBatchWrite(store.build(toolbox.BatchWriteCommand).requests(...requests));
  const query = (options) => store.build(toolbox.QueryCommand).entities(Pokemon).query({ partition: "ash", range: { gte: "b" } }).options(options).send();
  const page = await query({ limit: 2, filters: { Pokemon: { attr: "level", gte: 1 } } });
  assert.deepEqual(page.Items.map((p) => p.name), ["eevee", "onix"]);
  const rest = await query({ exclusiveStartKey: page.LastEvaluatedKey });
  assert.deepEqual(rest.Items.map((p) => p.name), ["pikachu"]);

  await toolbox.executeTransactWrite(
    build(toolbox.UpdateTransaction).item({ trainer: "ash", name: "onix", level: $add(1) }),
    build(toolbox.DeleteTransaction).key({ trainer: "ash", name: "abra" }),
  );
  const { Item } = await build(toolbox.GetItemCommand).key({ trainer: "ash", name: "onix" }).options({ consistent: true, attributes: ["level"] }).send();
  assert.equal(Item.level, 2);
  assert.equal((await build(toolbox.GetItemCommand).key({ trainer: "ash", name: "abra" }).send()).Item, undefined);
}

async function throughElectroDB() {
  const configuration = { client: documentClient, table: await table("electro") };
  const index = (pk, sk, pkOf, skOf) => ({ pk: { field: pk, composite: pkOf }, sk: { field: sk, composite: skOf } });
  const Task = new electro.Entity(
    {
      model: { entity: "task", version: "1", service: "work" },
      attributes: {
        team: { type: "string", required: true },
        task: { type: "string", required: true },
        owner: { type: "string", required: true },
        status: { type: ["open", "closed"], default: () => "open" },
        points: { type: "number", default: () => 0 },
        tags: { type: "set", items: "string" },
        comments: { type: "list", items: { type: "map", properties: { by: { type: "string" }, text: { type: "string" } } } },
      },
      indexes: {
        tasks: index("pk", "sk", ["team"], ["task"]),
        owned: { index: "gsi1", collection: "mine", ...index("gsi1pk", "gsi1sk", ["owner"], ["status", "task"]) },
      },
    },
    configuration,
  );
  const Person = new electro.Entity(
    {
      model: { entity: "person", version: "1", service: "work" },
      attributes: { owner: { type: "string", required: true }, city: { type: "string" } },
      indexes: {
        people: index("pk", "sk", ["owner"], []),
        self: { index: "gsi1", collection: "mine", ...index("gsi1pk", "gsi1sk", ["owner"], []) },
      },
    },
    configuration,
  );
  const work = new electro.Service({ task: Task, person: Person });

  await Person.create({ owner: "ada", city: "london" }).go();
  await Task.put(["one", "two", "three"].map((task, points) => ({ team: "red", task, owner: "ada", points }))).go();
  await assert.rejects(Task.create({ team: "red", task: "one", owner: "bob" }).go(), /conditional request failed/);
  const { data } = await Task.patch({ team: "red", task: "one" })
    .set({ status: "closed" })
    .add({ points: 5, tags: ["late"] })
    .append({ comments: [{ by: "bob", text: "done" }] })
    .composite({ owner: "ada" })
    .where(({ points }, { lt }) => lt(points, 3))
    .go({ response: "all_new" });
  assert.deepEqual({ points: data.points, tags: data.tags, comments: data.comments }, { points: 5, tags: ["late"], comments: [{ by: "bob", text: "done" }] });
  await assert.rejects(Task.patch({ team: "red", task: "none" }).set({ points: 1 }).go(), /conditional request failed/);

  const open = await Task.query.owned({ owner: "ada", status: "open" }).where(({ points }, { between }) => between(points, 1, 9)).go();
  assert.deepEqual(open.data.map((t) => t.task), ["three", "two"]);
  const first = await Task.query.tasks({ team: "red" }).begins({ task: "t" }).go({ limit: 1, order: "desc" });
  const second = await Task.query.tasks({ team: "red" }).begins({ task: "t" }).go({ limit: 1, order: "desc", cursor: first.cursor });
  assert.deepEqual([first.data[0].task, second.data[0].task], ["two", "three"]);
  const mine = await work.collections.mine({ owner: "ada" }).go();
  assert.deepEqual([mine.data.task.length, mine.data.person.length], [3, 1]);

  const changed = await work.transaction
    .write(({ task, person }) => [
      person.check({ owner: "ada" }).where(({ city }, { eq }) => eq(city, "paris")).commit(),
      task.delete({ team: "red", task: "two" }).commit(),
    ])
    .go();
  assert.equal(changed.canceled, true);
  assert.deepEqual(changed.data.map((d) => d.code), ["ConditionalCheckFailed", "None"]);
  await Task.delete([{ team: "red", task: "one" }, { team: "red", task: "two" }]).go();
  assert.deepEqual((await Task.scan.go()).data.map((t) => t.task), ["three"]);
}

async function throughDynamoose() {
  dynamoose.aws.ddb.set(new dynamoose.aws.ddb.DynamoDB({}));
  const schema = new dynamoose.Schema(
    {
      owner: { type: String, hashKey: true },
      name: { type: String, rangeKey: true },
      kind: { type: String, index: { name: "kinds", type: "global", rangeKey: "age" } },
      age: { type: Number, default: 0 },
      toys: { type: Set, schema: [String] },
      home: { type: Object, schema: { town: String, rooms: { type: Array, schema: [String] } } },
    },
    { timestamps: true },
  );
  const Pet = dynamoose.model("Pet", schema);
  new dynamoose.Table("pets", [Pet], { throughput: "ON_DEMAND", waitForActive: { enabled: true, check: { timeout: 10000, frequency: 20 } } });

  await Pet.create({ owner: "ada", name: "rex", kind: "dog", age: 3, toys: new Set(["ball"]), home: { town: "york", rooms: ["hall"] } });
  await assert.rejects(Pet.create({ owner: "ada", name: "rex" }), { name: "ConditionalCheckFailedException" });
  await Pet.batchPut([{ owner: "ada", name: "tom", kind: "cat", age: 7 }, { owner: "bob", name: "ace", kind: "dog", age: 9 }]);
  const rex = await Pet.get({ owner: "ada", name: "rex" });
  assert.deepEqual([rex.age, [...rex.toys], rex.home.rooms], [3, ["ball"], ["hall"]]);

  const older = await Pet.update({ owner: "ada", name: "rex" }, { $ADD: { age: 1 }, $SET: { home: { town: "hull" } } }, { condition: new dynamoose.Condition().filter("age").eq(3) });
  assert.deepEqual([older.age, older.home.town], [4, "hull"]);
  const dogs = await Pet.query("kind").eq("dog").where("age").gt(3).using("kinds").sort("descending").exec();
  assert.deepEqual(dogs.map((p) => p.name), ["ace", "rex"]);
  const page = await Pet.scan().filter("age").between(1, 9).and().filter("kind").in(["cat", "dog"]).limit(2).exec();
  const rest = await Pet.scan().filter("age").between(1, 9).limit(2).startAt(page.lastKey).exec();
  assert.equal(page.count + rest.count, 3);
  assert.equal((await Pet.query("owner").eq("ada").count().exec()).count, 2);
  await dynamoose.transaction([Pet.transaction.delete({ owner: "bob", name: "ace" }), Pet.transaction.update({ owner: "ada", name: "tom" }, { age: 8 })]);
  assert.equal(await Pet.get({ owner: "bob", name: "ace" }), undefined);
  assert.equal((await Pet.get({ owner: "ada", name: "tom" })).age, 8);
}

for (const step of [throughToolbox, throughElectroDB, throughDynamoose]) {
  await step();
}
