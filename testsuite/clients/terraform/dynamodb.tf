resource "aws_dynamodb_table" "full" {
  name             = "terraform-full"
  billing_mode     = "PROVISIONED"
  read_capacity    = 5
  write_capacity   = 5
  hash_key         = "artist"
  range_key        = "song"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"
  table_class      = "STANDARD_INFREQUENT_ACCESS"
  tags             = { team = "music" }

  attribute {
    name = "artist"
    type = "S"
  }
  attribute {
    name = "song"
    type = "S"
  }
  attribute {
    name = "year"
    type = "N"
  }

  global_secondary_index {
    name               = "years"
    hash_key           = "year"
    range_key          = "song"
    read_capacity      = 2
    write_capacity     = 2
    projection_type    = "INCLUDE"
    non_key_attributes = ["album"]
  }
  local_secondary_index {
    name            = "by-year"
    range_key       = "year"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  point_in_time_recovery { enabled = true }
  server_side_encryption { enabled = true }
}

resource "aws_dynamodb_table" "on_demand" {
  name                        = "terraform-on-demand"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  deletion_protection_enabled = false

  attribute {
    name = "id"
    type = "B"
  }
  lifecycle { ignore_changes = [tags, tags_all] } # see aws_dynamodb_tag.owner
}

resource "aws_dynamodb_table_item" "song" {
  table_name = aws_dynamodb_table.full.name
  hash_key   = aws_dynamodb_table.full.hash_key
  range_key  = aws_dynamodb_table.full.range_key
  item = jsonencode({
    artist = { S = "No One You Know" }
    song   = { S = "Call Me Today" }
    year   = { N = "1984" }
    tags   = { SS = ["a", "b"] }
  })
}

resource "aws_dynamodb_tag" "owner" {
  resource_arn = aws_dynamodb_table.on_demand.arn
  key          = "owner"
  value        = "terraform"
}

resource "aws_dynamodb_contributor_insights" "full" {
  table_name = aws_dynamodb_table.full.name
}

resource "aws_dynamodb_resource_policy" "on_demand" {
  resource_arn = aws_dynamodb_table.on_demand.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }
      Action    = "dynamodb:GetItem"
      Resource  = aws_dynamodb_table.on_demand.arn
    }]
  })
}

data "aws_dynamodb_table" "full" {
  name = aws_dynamodb_table.full.name
}
