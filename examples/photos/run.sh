#!/usr/bin/env bash
# One photo's way: S3 -> function -> thumbnail and row -> API. These are ordinary
# AWS CLI commands. With AWS_ENDPOINT_URL set they go to Virga; without it, to AWS.
#
#   run.sh [PHOTO]   set everything up if it is not there, upload, show the API's answer
#   run.sh down      delete everything
set -euo pipefail
cd "$(dirname "$0")"

export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1} AWS_PAGER=
if [ -n "${AWS_ENDPOINT_URL:-}" ]; then
  export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
  # The AWS CLI reads the variable itself since 2.13; older ones are told.
  aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
fi
for program in aws curl zip npm; do
  command -v $program >/dev/null || { echo "photos: $program is needed (Debian: apt-get install awscli curl zip npm)" >&2; exit 1; }
done

account=$(aws sts get-caller-identity --query Account --output text)
photos=photos-$account         # names of buckets are the world's
thumbnails=thumbnails-$account
functions=arn:aws:lambda:$AWS_DEFAULT_REGION:$account:function
role=arn:aws:iam::$account:role/photos
case $(uname -m) in arm64 | aarch64) architecture=arm64 ;; *) architecture=x86_64 ;; esac

api() { aws apigateway get-rest-apis --query "items[?name=='photos'].id" --output text; }

# create NAME ARGUMENT...: create the function. A new role takes a while to be known on AWS.
create() {
  local name=$1 try
  shift
  for try in 1 2 3 4 5; do
    aws lambda create-function --function-name "photos-$name" --zip-file "fileb://../../dist/photos/$name.zip" \
      --role "$role" --architectures $architecture --timeout 30 --memory-size 512 "$@" --output text --query FunctionArn && break
    [ $try -lt 5 ] && sleep 5
  done
  aws lambda wait function-active-v2 --function-name "photos-$name"
}

up() {
  ./package.sh

  aws s3 mb "s3://$photos"
  aws s3 mb "s3://$thumbnails"

  aws dynamodb create-table --table-name Photos --billing-mode PAY_PER_REQUEST \
    --attribute-definitions AttributeName=photo,AttributeType=S --key-schema AttributeName=photo,KeyType=HASH >/dev/null
  aws dynamodb wait table-exists --table-name Photos

  aws iam create-role --role-name photos --assume-role-policy-document '{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}' >/dev/null
  aws iam attach-role-policy --role-name photos --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
  aws iam put-role-policy --role-name photos --policy-name photos --policy-document '{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::'"$photos"'/*"},
    {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::'"$thumbnails"'/*"},
    {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:Scan"], "Resource": "arn:aws:dynamodb:*:'"$account"':table/Photos"}]}'

  create thumbnail --runtime python3.11 --handler app.handler --environment "Variables={TABLE=Photos,THUMBNAILS=$thumbnails}"
  create list --runtime nodejs20.x --handler index.handler --environment "Variables={TABLE=Photos}"

  aws lambda add-permission --function-name photos-thumbnail --statement-id s3 --action lambda:InvokeFunction \
    --principal s3.amazonaws.com --source-arn "arn:aws:s3:::$photos" --source-account "$account" >/dev/null
  aws s3api put-bucket-notification-configuration --bucket "$photos" --notification-configuration '{"LambdaFunctionConfigurations": [
    {"LambdaFunctionArn": "'"$functions:photos-thumbnail"'", "Events": ["s3:ObjectCreated:*"]}]}'

  local api root resource
  api=$(aws apigateway create-rest-api --name photos --query id --output text)
  root=$(aws apigateway get-resources --rest-api-id "$api" --query 'items[0].id' --output text)
  resource=$(aws apigateway create-resource --rest-api-id "$api" --parent-id "$root" --path-part photos --query id --output text)
  aws apigateway put-method --rest-api-id "$api" --resource-id "$resource" --http-method GET --authorization-type NONE >/dev/null
  aws apigateway put-integration --rest-api-id "$api" --resource-id "$resource" --http-method GET --type AWS_PROXY --integration-http-method POST \
    --uri "arn:aws:apigateway:$AWS_DEFAULT_REGION:lambda:path/2015-03-31/functions/$functions:photos-list/invocations" >/dev/null
  aws lambda add-permission --function-name photos-list --statement-id api --action lambda:InvokeFunction \
    --principal apigateway.amazonaws.com --source-arn "arn:aws:execute-api:$AWS_DEFAULT_REGION:$account:$api/*/GET/photos" >/dev/null
  aws apigateway create-deployment --rest-api-id "$api" --stage-name prod >/dev/null
}

down() {
  local api
  api=$(api)
  [ -z "$api" ] || aws apigateway delete-rest-api --rest-api-id "$api" || true
  aws lambda delete-function --function-name photos-thumbnail || true
  aws lambda delete-function --function-name photos-list || true
  aws iam delete-role-policy --role-name photos --policy-name photos || true
  aws iam detach-role-policy --role-name photos --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole || true
  aws iam delete-role --role-name photos || true
  aws dynamodb delete-table --table-name Photos >/dev/null || true
  aws s3 rb --force "s3://$photos" || true
  aws s3 rb --force "s3://$thumbnails" || true
}

if [ "${1:-}" = down ]; then
  down
  exit
fi
[ -n "$(api)" ] || up

photo=${1:-photo.jpg}
key="summer/$(date +%H-%M-%S) $(basename "$photo")"
aws s3 cp --no-progress "$photo" "s3://$photos/$key"

# The thumbnail is made while we wait for its row: half a minute for a first start.
for _ in $(seq 60); do
  row=$(aws dynamodb get-item --table-name Photos --key "{\"photo\": {\"S\": \"$key\"}}" --query Item.thumbnail.S --output text)
  [ "$row" = None ] || break
  sleep 0.5
done
if [ "$row" = None ]; then
  echo "photos: no row for $key; the log of photos-thumbnail says why (on Virga, the server's)" >&2
  exit 1
fi
aws s3 ls --recursive "s3://$thumbnails"

if [ -n "${AWS_ENDPOINT_URL:-}" ]; then
  url=$AWS_ENDPOINT_URL/restapis/$(api)/prod/_user_request_/photos
else
  url=https://$(api).execute-api.$AWS_DEFAULT_REGION.amazonaws.com/prod/photos
fi
echo "GET $url"
curl --fail-with-body -sS "$url"
echo
