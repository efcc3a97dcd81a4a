#!/usr/bin/env bash
# The AWS CLI's suite: commands as a tutorial has them, each answer looked at.
# It runs in an empty directory, with AWS_ENDPOINT_URL and credentials set.
set -euo pipefail

# The AWS CLI reads the variable itself since 2.13; older ones are told.
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }

# is WHAT GOT WANT
is() {
  [ "$2" = "$3" ] || { echo "$1 is '$2', not '$3'"; exit 1; }
}

# refused CODE COMMAND...: the command fails with the error code.
refused() {
  local code=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "$* did not fail with $code"
    exit 1
  fi
  case $said in *"($code)"*) ;; *) echo "$* failed otherwise than with $code: $said"; exit 1 ;; esac
}

echo "== s3"
head -c 20971520 /dev/urandom >large
mkdir -p tree/deep
for n in 1 2 3; do echo "file $n" >"tree/$n.txt"; done
cp large "tree/deep/with space+plus.bin"

aws s3 mb s3://first
aws s3 mb s3://second
aws s3 cp --no-progress large s3://first/large # in parts, since it is over 8 MB
aws s3 cp --no-progress s3://first/large again
cmp large again
aws s3 sync --no-progress tree s3://first/tree
is "a second sync" "$(aws s3 sync --no-progress tree s3://first/tree)" ""
aws s3 sync --no-progress s3://first s3://second # copied inside
aws s3 sync --no-progress s3://second/tree back
diff -r tree back
is "the listing" "$(aws s3 ls s3://second/ | awk '{print $NF}' | xargs)" "tree/ large"
is "the long listing" "$(aws s3 ls --recursive s3://second | awk '{print $3}' | xargs)" "20971520 7 7 7 20971520"
aws s3 mv --no-progress s3://first/tree/1.txt s3://first/moved.txt
is "what was moved" "$(aws s3 cp s3://first/moved.txt -)" "file 1"
is "a stream" "$(echo streamed | aws s3 cp - s3://first/stream && aws s3 cp s3://first/stream -)" "streamed"
is "a presigned URL" "$(curl -sS "$(aws s3 presign s3://first/stream)")" "streamed"
refused BucketNotEmpty aws s3api delete-bucket --bucket first
aws s3 rb --force s3://first
aws s3 rb --force s3://second
is "the buckets at the end" "$(aws s3 ls)" ""

echo "== dynamodb"
aws dynamodb create-table --table-name Music --billing-mode PAY_PER_REQUEST \
  --attribute-definitions AttributeName=Artist,AttributeType=S AttributeName=Song,AttributeType=S \
  --key-schema AttributeName=Artist,KeyType=HASH AttributeName=Song,KeyType=RANGE >/dev/null
aws dynamodb wait table-exists --table-name Music
for song in "Call Me Today" "Howdy"; do
  aws dynamodb put-item --table-name Music --item '{"Artist": {"S": "No One You Know"}, "Song": {"S": "'"$song"'"}, "Awards": {"N": "1"}}'
done
aws dynamodb update-item --table-name Music --key '{"Artist": {"S": "No One You Know"}, "Song": {"S": "Howdy"}}' \
  --update-expression "SET Awards = Awards + :n" --expression-attribute-values '{":n": {"N": "9"}}'
is "the row" "$(aws dynamodb get-item --table-name Music --key '{"Artist": {"S": "No One You Know"}, "Song": {"S": "Howdy"}}' --query Item.Awards.N --output text)" 10
is "the query" "$(aws dynamodb query --table-name Music --key-condition-expression "Artist = :a" \
  --expression-attribute-values '{":a": {"S": "No One You Know"}}' --query 'Items[].Song.S' --output text)" "Call Me Today	Howdy"
is "the scan" "$(aws dynamodb scan --table-name Music --query Count)" 2
aws dynamodb delete-table --table-name Music >/dev/null
aws dynamodb wait table-not-exists --table-name Music

echo "== iam"
trust='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
role=$(aws iam create-role --role-name hello --assume-role-policy-document "$trust" --query Role.Arn --output text)
is "the role" "$role" "arn:aws:iam::000000000000:role/hello"
is "its trust policy" "$(aws iam get-role --role-name hello --query 'Role.AssumeRolePolicyDocument.Statement[0].Action' --output text)" "sts:AssumeRole"
aws iam attach-role-policy --role-name hello --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
is "the account" "$(aws sts get-caller-identity --query Account --output text)" 000000000000

echo "== lambda"
cat >app.py <<'PY'
def handler(event, context):
    return {"statusCode": 200, "body": "hello " + event.get("name", event.get("path", ""))}
PY
zip -q app.zip app.py
function=$(aws lambda create-function --function-name hello --runtime python3.11 --handler app.handler --role "$role" \
  --zip-file fileb://app.zip --query FunctionArn --output text)
aws lambda wait function-active-v2 --function-name hello
# The file of a payload means the same to every version of the CLI.
echo '{"name": "you"}' >event
is "the invocation" "$(aws lambda invoke --function-name hello --payload fileb://event --log-type Tail out --query StatusCode)" 200
is "its answer" "$(cat out)" '{"statusCode": 200, "body": "hello you"}'
refused ResourceNotFoundException aws lambda get-function --function-name other

echo "== apigateway"
api=$(aws apigateway create-rest-api --name hello --query id --output text)
parent=$(aws apigateway get-resources --rest-api-id "$api" --query 'items[0].id' --output text)
resource=$(aws apigateway create-resource --rest-api-id "$api" --parent-id "$parent" --path-part hello --query id --output text)
aws apigateway put-method --rest-api-id "$api" --resource-id "$resource" --http-method GET --authorization-type NONE >/dev/null
aws apigateway put-integration --rest-api-id "$api" --resource-id "$resource" --http-method GET --type AWS_PROXY --integration-http-method POST \
  --uri "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/$function/invocations" >/dev/null
aws lambda add-permission --function-name hello --statement-id api --action lambda:InvokeFunction --principal apigateway.amazonaws.com \
  --source-arn "arn:aws:execute-api:us-east-1:000000000000:$api/*/GET/hello" >/dev/null
aws apigateway create-deployment --rest-api-id "$api" --stage-name test >/dev/null
is "the API's answer" "$(curl -sS "$AWS_ENDPOINT_URL/restapis/$api/test/_user_request_/hello")" "hello /hello"
is "the API's answer, by host" "$(curl -sS -H "Host: $api.execute-api.us-east-1.amazonaws.com" "$AWS_ENDPOINT_URL/test/hello")" "hello /hello"

echo "== the end"
aws apigateway delete-rest-api --rest-api-id "$api"
aws lambda delete-function --function-name hello >/dev/null
aws iam detach-role-policy --role-name hello --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
aws iam delete-role --role-name hello
refused NoSuchEntity aws iam get-role --role-name hello
