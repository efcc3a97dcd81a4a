#!/usr/bin/env bash
# What a user of Terraform does with the AWS provider: apply, see that nothing is
# left to change, and destroy. The working directory is the suite's own.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
plugins=$1 # where the provider is installed, as `terraform providers mirror` lays it out

cat >cli.tfrc <<CONFIG
disable_checkpoint = true
provider_installation {
  filesystem_mirror { path = "$plugins" }
}
CONFIG
export TF_CLI_CONFIG_FILE=$PWD/cli.tfrc TF_IN_AUTOMATION=1 TF_VAR_endpoint=$AWS_ENDPOINT_URL
cp "$here"/terraform/*.tf .

terraform init -input=false -no-color
terraform apply -input=false -no-color -auto-approve
echo "== a second plan has nothing to do"
terraform plan -input=false -no-color -detailed-exitcode
terraform destroy -input=false -no-color -auto-approve
