resource "aws_s3_bucket" "plain" {
  bucket = "terraform-plain"
  tags   = { team = "photos", stage = "test" }
}

resource "aws_s3_bucket" "logs" {
  bucket        = "terraform-logs"
  force_destroy = true
}

resource "aws_s3_bucket" "full" {
  bucket              = "terraform-full"
  object_lock_enabled = true
  force_destroy       = true
}

resource "aws_s3_bucket_versioning" "full" {
  bucket = aws_s3_bucket.full.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_object_lock_configuration" "full" {
  bucket = aws_s3_bucket.full.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 1
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "full" {
  bucket = aws_s3_bucket.full.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "aws:kms" }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_ownership_controls" "plain" {
  bucket = aws_s3_bucket.plain.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_public_access_block" "plain" {
  bucket                  = aws_s3_bucket.plain.id
  block_public_acls       = false
  block_public_policy     = false
  ignore_public_acls      = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_acl" "plain" {
  depends_on = [aws_s3_bucket_ownership_controls.plain, aws_s3_bucket_public_access_block.plain]
  bucket     = aws_s3_bucket.plain.id
  acl        = "public-read"
}

resource "aws_s3_bucket_policy" "plain" {
  depends_on = [aws_s3_bucket_public_access_block.plain]
  bucket     = aws_s3_bucket.plain.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["s3:GetObject"]
      Resource  = "${aws_s3_bucket.plain.arn}/*"
    }]
  })
}

resource "aws_s3_bucket_cors_configuration" "plain" {
  bucket = aws_s3_bucket.plain.id
  cors_rule {
    id              = "web"
    allowed_methods = ["GET", "PUT"]
    allowed_origins = ["https://example.com"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
}

resource "aws_s3_bucket_website_configuration" "plain" {
  bucket = aws_s3_bucket.plain.id
  index_document { suffix = "index.html" }
  error_document { key = "error.html" }
  routing_rule {
    condition { key_prefix_equals = "docs/" }
    redirect { replace_key_prefix_with = "documents/" }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "full" {
  depends_on = [aws_s3_bucket_versioning.full]
  bucket     = aws_s3_bucket.full.id
  rule {
    id     = "old"
    status = "Enabled"
    filter { prefix = "tmp/" }
    expiration { days = 30 }
    noncurrent_version_expiration { noncurrent_days = 10 }
    abort_incomplete_multipart_upload { days_after_initiation = 3 }
  }
  rule {
    id     = "cold"
    status = "Enabled"
    filter {
      and {
        prefix = "archive/"
        tags   = { class = "cold" }
      }
    }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = 90
      storage_class = "GLACIER"
    }
  }
}

resource "aws_s3_bucket_logging" "plain" {
  bucket        = aws_s3_bucket.plain.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "access/"
}

resource "aws_s3_bucket_request_payment_configuration" "plain" {
  bucket = aws_s3_bucket.plain.id
  payer  = "Requester"
}

resource "aws_s3_bucket_accelerate_configuration" "plain" {
  bucket = aws_s3_bucket.plain.id
  status = "Enabled"
}

resource "aws_s3_bucket_inventory" "plain" {
  bucket                   = aws_s3_bucket.plain.id
  name                     = "weekly"
  included_object_versions = "All"
  schedule { frequency = "Weekly" }
  destination {
    bucket {
      format     = "CSV"
      bucket_arn = aws_s3_bucket.logs.arn
    }
  }
}

resource "aws_s3_bucket_metric" "plain" {
  bucket = aws_s3_bucket.plain.id
  name   = "everything"
}

resource "aws_s3_bucket_analytics_configuration" "plain" {
  bucket = aws_s3_bucket.plain.id
  name   = "classes"
  filter { prefix = "documents/" }
}

resource "aws_s3_bucket_intelligent_tiering_configuration" "plain" {
  bucket = aws_s3_bucket.plain.id
  name   = "tiers"
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 125
  }
}

resource "aws_iam_role" "replication" {
  name = "terraform-replication"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_s3_bucket_replication_configuration" "full" {
  depends_on = [aws_s3_bucket_versioning.full, aws_s3_bucket_versioning.logs]
  bucket     = aws_s3_bucket.full.id
  role       = aws_iam_role.replication.arn
  rule {
    id       = "all"
    priority = 1
    status   = "Enabled"
    filter {}
    delete_marker_replication { status = "Disabled" }
    destination {
      bucket        = aws_s3_bucket.logs.arn
      storage_class = "STANDARD_IA"
    }
  }
}

resource "aws_s3_bucket_notification" "plain" {
  bucket      = aws_s3_bucket.plain.id
  eventbridge = true
}

resource "aws_s3_object" "index" {
  bucket       = aws_s3_bucket.plain.id
  key          = "index.html"
  content      = "<h1>photos</h1>"
  content_type = "text/html"
  tags         = { page = "first" }
  metadata     = { origin = "terraform" }
}

resource "aws_s3_object" "locked" {
  depends_on                    = [aws_s3_bucket_versioning.full]
  bucket                        = aws_s3_bucket.full.id
  key                           = "documents/ü +&=.txt"
  content                       = "kept"
  object_lock_legal_hold_status = "OFF"
  force_destroy                 = true # past the bucket's default retention
  lifecycle { ignore_changes = [object_lock_mode, object_lock_retain_until_date] }
}

resource "aws_s3_object_copy" "copy" {
  bucket = aws_s3_bucket.plain.id
  key    = "copy.html"
  source = "${aws_s3_bucket.plain.id}/${aws_s3_object.index.key}"

  tagging_directive = "REPLACE"
}

data "aws_s3_objects" "plain" {
  depends_on = [aws_s3_object.index, aws_s3_object_copy.copy]
  bucket     = aws_s3_bucket.plain.id
}
