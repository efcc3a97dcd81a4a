#!/usr/bin/env bash
# Packs the two functions with what they import: dist/photos/thumbnail.zip and
# list.zip, or only those that are named. What is there and newer than its source is kept.
#
# Pillow and boto3 come from PyPI, as built for Lambda's Linux. Where PyPI is out
# of reach, Debian's python3-pil and python3-boto3 do, as long as the function
# runs on this machine or in an image that has them too.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/dist/photos
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fresh NAME: whether the zip is there and newer than all it is made of.
fresh() { [ -f "$out/$1.zip" ] && [ -z "$(find "$here/$1" "$0" -newer "$out/$1.zip")" ]; }

# pack NAME: the zip of a directory of that name; a whole one, or the old one.
pack() {
  (cd "$work/$1" && zip -qr -X "$work/$1.zip" .)
  mv "$work/$1.zip" "$out/$1.zip"
}

thumbnail() {
  mkdir "$work/thumbnail"
  cp "$here/thumbnail/app.py" "$work/thumbnail/"
  if ! python3 -m pip install --quiet --disable-pip-version-check --retries 0 --timeout 10 --target "$work/thumbnail" \
    --platform "manylinux2014_$(uname -m | sed s/arm64/aarch64/)" --python-version 3.11 --only-binary=:all: \
    -r "$here/thumbnail/requirements.txt" >/dev/null 2>&1; then
    # Another python3.11 than Debian's, a version manager's, has none of these.
    local module
    for module in PIL boto3 botocore s3transfer jmespath dateutil urllib3 six; do
      if ! cp -rL "$(installed $module)" "$work/thumbnail/"; then
        echo "package: Pillow and boto3 are needed: pip and PyPI, or apt-get install python3-pil python3-boto3" >&2
        return 1
      fi
    done
  fi
  pack thumbnail
}

# installed MODULE: the file or directory of a module of Debian's python.
installed() {
  /usr/bin/python3 -c 'import importlib.util as u, sys; s = u.find_spec(sys.argv[1]); print(*(s.submodule_search_locations or [s.origin]))' "$1"
}

list() {
  mkdir "$work/list"
  cp "$here/list/index.mjs" "$here/list/package.json" "$work/list/"
  if ! (cd "$work/list" && npm install --omit=dev --no-package-lock --no-audit --no-fund --silent --fetch-retries=1); then
    echo "package: npm could not install the AWS SDK for JavaScript" >&2
    return 1
  fi
  pack list
}

for name in ${@:-thumbnail list}; do
  fresh $name || $name
done
