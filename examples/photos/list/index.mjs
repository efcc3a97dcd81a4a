// Answers GET /photos: the table's rows as JSON, by the photos' names.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";

const table = DynamoDBDocumentClient.from(new DynamoDBClient({}));

export const handler = async () => {
  const photos = [];
  for await (const page of paginateScan({ client: table }, { TableName: process.env.TABLE })) {
    photos.push(...page.Items);
  }
  photos.sort((a, b) => (a.photo < b.photo ? -1 : 1));
  return {
    statusCode: 200,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ photos }),
  };
};
