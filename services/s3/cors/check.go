package cors

import (
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// maxRules is how many rules a configuration may have, and maxID the longest id
// of one, in characters.
const (
	maxRules = 100
	maxID    = 255
)

// Methods are those that rules may allow.
var Methods = []string{"GET", "PUT", "POST", "DELETE", "HEAD"}

// Check finds what is wrong with a configuration.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
func Check(c *s3.CORSConfiguration) error {
	if len(c.CORSRules) == 0 {
		return fault.MalformedXML()
	}
	if len(c.CORSRules) > maxRules {
		return fault.InvalidRequest("The number of CORS rules should not exceed allowed limit of %d rules.", maxRules)
	}
	for _, r := range c.CORSRules {
		if err := checkRule(r); err != nil {
			return err
		}
	}
	return nil
}

func checkRule(r *s3.CORSRule) error {
	if len([]rune(r.ID)) > maxID {
		return fault.InvalidValue("ID length should not exceed allowed limit of %d", maxID)
	}
	if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 {
		return fault.MalformedXML()
	}
	for _, m := range r.AllowedMethods {
		if !slices.Contains(Methods, m) {
			return fault.InvalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
		}
	}
	for _, o := range r.AllowedOrigins {
		if strings.Count(o, "*") > 1 {
			return fault.InvalidRequest("AllowedOrigin %q can not have more than one wildcard.", o)
		}
	}
	for _, h := range r.AllowedHeaders {
		if strings.Count(h, "*") > 1 {
			return fault.InvalidRequest("AllowedHeader %q can not have more than one wildcard.", h)
		}
	}
	for _, h := range r.ExposeHeaders {
		if strings.Contains(h, "*") {
			return fault.InvalidRequest("ExposeHeader %q contains wildcard. We currently do not support wildcard for ExposeHeader.", h)
		}
	}
	return nil
}
