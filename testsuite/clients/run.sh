#!/usr/bin/env bash
# The first hour of other languages' clients, each against a server of its own:
# S3 with 20 MB files, DynamoDB, Lambda, API Gateway and IAM, as a tutorial has them,
# DynamoDB through the libraries that people put above the clients, and S3 and
# DynamoDB as Terraform keeps them.
#
#   run.sh [SUITE...]    awscli, boto3, javascript, terraform; all without arguments
#
# It uses bin/virga, or the program that VIRGA_TEST_PROGRAM names. A suite whose
# client is missing is left out, with how to get it; with CI set that is a failure.
#
# Exit status: 0 all that ran passed, 1 one did not.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
program=${VIRGA_TEST_PROGRAM:-$root/bin/virga}
[ -x "$program" ] || { echo "clients: $program is missing; make build" >&2; exit 1; }
work=$(mktemp -d)
server=
failed=0

stop() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; }
}
trap 'stop; rm -rf "$work"' EXIT

# Nothing of the user's reaches AWS by mistake.
while read -r name; do unset "$name"; done < <(compgen -e | grep -E '^(AWS|VIRGA|LAMBDA|LOCALSTACK)_')
export AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/none AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1 AWS_PAGER=

# start: a fresh server, with its address in AWS_ENDPOINT_URL.
start() {
  "$program" start --port 0 --memory --lambda-executor process 2>"$work/log" &
  server=$!
  local _
  for _ in $(seq 100); do
    grep -q '^Ready\.$' "$work/log" && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  AWS_ENDPOINT_URL=http://$(sed -n 's/.*msg=listening address=\([^ ]*\).*/\1/p' "$work/log")
  export AWS_ENDPOINT_URL
}

# suite NAME COMMAND...: run it against a fresh server.
suite() {
  local name=$1 begun=$SECONDS
  shift
  start
  mkdir -p "$work/$name"
  if (cd "$work/$name" && "$@") >"$work/out" 2>&1; then
    echo "ok    $name ($((SECONDS - begun)) s)"
  else
    echo "FAIL  $name"
    sed 's/^/      /' "$work/out"
    echo "      the server's log:"
    tail -n 40 "$work/log" | sed 's/^/      /'
    failed=1
  fi
  kill "$server"
  if ! wait "$server"; then
    echo "FAIL  $name: the server did not end cleanly"
    failed=1
  fi
  server=
}

# left_out NAME REASON
left_out() {
  echo "skip  $1: $2"
  [ -z "${CI:-}" ] || failed=1
}

awscli() {
  if command -v aws >/dev/null; then
    suite awscli "$here/awscli.sh"
  else
    left_out awscli "needs the AWS CLI (Debian: apt-get install awscli)"
  fi
}

# boto3 of Debian and of a version manager may be years apart; both are users'.
boto3() {
  local python version seen=
  for python in python3 /usr/bin/python3; do
    version=$("$python" -c 'import boto3; print(boto3.__version__)' 2>/dev/null) || continue
    case " $seen " in *" $version "*) continue ;; esac
    seen="$seen $version"
    suite "boto3-$version" "$python" "$here/boto3_suite.py"
    suite "boto3-$version-dynamodb" "$python" "$here/dynamodb_suite.py"
  done
  [ -n "$seen" ] || left_out boto3 "needs boto3 (Debian: apt-get install python3-boto3)"
}

# The AWS SDK for JavaScript, and what is built on it, stay in dist/clients for the next run.
javascript() {
  local modules=$root/dist/clients
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    left_out javascript "needs node and npm (Debian: apt-get install nodejs npm)"
    return
  fi
  mkdir -p "$modules"
  if [ ! -f "$modules/complete" ] || [ "$here/package.json" -nt "$modules/complete" ]; then
    cp "$here/package.json" "$modules/"
    if ! (cd "$modules" && npm install --no-package-lock --no-audit --no-fund --silent --fetch-retries=1 && touch complete); then
      left_out javascript "npm could not install the AWS SDK for JavaScript"
      return
    fi
  fi
  cp "$here/javascript.mjs" "$here/dynamodb.mjs" "$modules/"
  suite javascript node "$modules/javascript.mjs"
  suite javascript-dynamodb node "$modules/dynamodb.mjs"
}

# Terraform's AWS provider is in no package of Debian's: the suite runs where it is
# installed, and a machine without it has not failed.
terraform() {
  local provider plugins=
  for provider in "${TF_PLUGINS:-none}"/*/hashicorp/aws "$HOME"/.terraform.d/plugins/*/hashicorp/aws \
    /usr/share/terraform/plugins/*/hashicorp/aws /usr/local/share/terraform/plugins/*/hashicorp/aws /opt/*/*/hashicorp/aws; do
    [ ! -d "$provider" ] || { plugins=$(cd "$provider/../../.." && pwd) && break; }
  done
  if type -P terraform >/dev/null && [ -n "$plugins" ]; then
    suite terraform "$here/terraform.sh" "$plugins"
  else
    echo "skip  terraform: needs terraform and a mirror of its AWS provider (terraform providers mirror DIR, then TF_PLUGINS=DIR)"
  fi
}

for name in ${@:-awscli boto3 javascript terraform}; do
  "$name"
done
exit $failed
