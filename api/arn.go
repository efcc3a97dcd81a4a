package api

import (
	"fmt"
	"strings"
)

// ARN is a parsed Amazon Resource Name.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN parses s, which must have six colon-separated parts, the first of
// them "arn" and the partition, service and resource not empty.
func ParseARN(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, fmt.Errorf("%q is not an ARN", s)
	}
	return ARN{Partition: p[1], Service: p[2], Region: p[3], Account: p[4], Resource: p[5]}, nil
}

func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// ARN makes the name of a resource in the call's account and region.
func (c *Call) ARN(service, resource string) string {
	return ARN{PartitionOf(c.Region), service, c.Region, c.Account, resource}.String()
}

// PartitionOf is the partition of a region: "aws", "aws-cn" or "aws-us-gov".
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
