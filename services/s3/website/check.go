package website

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// maxRules is how many routing rules a website may have.
const maxRules = 50

// Check finds what is wrong with a configuration.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
func Check(c *s3.WebsiteConfiguration) error {
	if all := c.RedirectAllRequestsTo; all != nil {
		switch {
		case c.IndexDocument != nil || c.ErrorDocument != nil || c.RoutingRules != nil:
			return fault.InvalidArgument("RedirectAllRequestsTo", "not null", "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
		case all.HostName == "":
			return fault.InvalidRequest(`A host name must be provided to redirect all requests (e.g. "example.com").`)
		}
		return checkProtocol(all.Protocol)
	}
	if c.IndexDocument == nil {
		return fault.InvalidArgument("IndexDocument", "null", "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty")
	}
	if suffix := c.IndexDocument.Suffix; suffix == "" || strings.Contains(suffix, "/") {
		return fault.InvalidArgument("IndexDocument", suffix, "The IndexDocument Suffix is not well formed")
	}
	if c.ErrorDocument != nil && c.ErrorDocument.Key == "" {
		return fault.InvalidArgument("ErrorDocument", "", "The ErrorDocument Key is not well formed")
	}
	switch {
	case c.RoutingRules != nil && len(c.RoutingRules) == 0:
		return fault.MalformedXML()
	case len(c.RoutingRules) > maxRules:
		return fault.InvalidRequest("The number of routing rules must not exceed %d.", maxRules)
	}
	for _, r := range c.RoutingRules {
		if err := checkRule(r); err != nil {
			return err
		}
	}
	return nil
}

func checkRule(r *s3.RoutingRule) error {
	if c := r.Condition; c != nil {
		if c.KeyPrefixEquals == nil && c.HttpErrorCodeReturnedEquals == "" {
			return fault.InvalidRequest("Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.")
		}
		if err := checkStatus(c.HttpErrorCodeReturnedEquals, "error", "4XX or 5XX", 400, 599); err != nil {
			return err
		}
	}
	d := r.Redirect
	if d.ReplaceKeyWith != nil && d.ReplaceKeyPrefixWith != nil {
		return fault.InvalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
	}
	if err := checkStatus(d.HttpRedirectCode, "redirect", "3XX except 300", 301, 399); err != nil {
		return err
	}
	return checkProtocol(d.Protocol)
}

// checkStatus checks the code of an answer, where there is one: it is between
// two bounds and one that HTTP defines.
func checkStatus(code, kind, valid string, from, to int) error {
	if code == "" {
		return nil
	}
	n, err := strconv.Atoi(code)
	if err != nil {
		return fault.MalformedXML()
	}
	if n < from || n > to || http.StatusText(n) == "" {
		return fault.InvalidRequest("The provided HTTP %s code (%s) is not valid. Valid codes are %s.", kind, code, valid)
	}
	return nil
}

func checkProtocol(p s3.Protocol) error {
	if fault.Unknown(p, string(p)) {
		return fault.InvalidRequest("Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.")
	}
	return nil
}
