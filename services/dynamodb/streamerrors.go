package dynamodb

import (
	"fmt"
	"strconv"

	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
)

// The errors of reading streams.

func errTooMany(asked int32, most int) error {
	return errConstraint(strconv.Itoa(int(asked)), "limit", fmt.Sprintf("have value less than or equal to %d", most))
}

// errMissing is an error of AWS's own model that the published one does not have.
func errMissing(member string) error {
	return errValidation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}

func errStreamARN() error { return errValidation("Invalid StreamArn") }

func errIterator() error { return errValidation("Invalid ShardIterator") }

func errSequenceNumber() error { return errValidation("Invalid SequenceNumber for the shard") }

func errNoSequenceNumber(of dds.ShardIteratorType) error {
	return errParameter("SequenceNumber is required when ShardIteratorType is %s", of)
}

func errNeedlessSequenceNumber(of dds.ShardIteratorType) error {
	return errParameter("SequenceNumber must not be specified when ShardIteratorType is %s", of)
}

func errNoStream(arn string) error {
	return &dds.ResourceNotFoundException{Message: "Requested resource not found: Stream: " + arn + " not found"}
}

func errNoShard() error {
	return &dds.ResourceNotFoundException{Message: "Requested resource not found: Shard does not exist"}
}

func errTrimmed() error {
	return &dds.TrimmedDataAccessException{Message: "The data you are trying to access has been trimmed"}
}

func errExpired() error {
	return &dds.ExpiredIteratorException{Message: "The shard iterator has expired"}
}
