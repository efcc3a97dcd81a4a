"""Makes a thumbnail of each photo that arrives in a bucket, and notes it in a table."""

import io
import os
import urllib.parse

import boto3
from PIL import Image, ImageOps

SIZE = (128, 128)  # the thumbnail fits in it

# boto3 reads this variable itself since 1.28; older ones are told. On AWS it is not set.
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL")

s3 = boto3.client("s3", endpoint_url=ENDPOINT)
table = boto3.resource("dynamodb", endpoint_url=ENDPOINT).Table(os.environ["TABLE"])


def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        # Keys come in events as in a form: "a b" as "a+b".
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        note(bucket, key, record["eventTime"])


def note(bucket, key, arrived):
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    photo = Image.open(io.BytesIO(body))
    width, height = photo.size

    photo.draft("RGB", SIZE)  # a JPEG need not be decoded in full
    small = ImageOps.exif_transpose(photo).convert("RGB")
    small.thumbnail(SIZE)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)

    thumbnail = os.path.splitext(key)[0] + ".jpg"
    s3.put_object(Bucket=os.environ["THUMBNAILS"], Key=thumbnail, Body=out.getvalue(), ContentType="image/jpeg")
    table.put_item(
        Item={
            "photo": key,
            "thumbnail": thumbnail,
            "width": width,
            "height": height,
            "bytes": len(body),
            "arrived": arrived,
        }
    )
    print(f"{key}: {width}x{height}, thumbnail {small.width}x{small.height}")
