package bucketpolicy

import (
	"net/netip"
	"slices"
	"strings"
)

// fixing are the keys, in lower case, that keep a statement from being public
// when a condition holds them to values without wildcards.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
var fixing = []string{
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount", "aws:sourcearn",
	"aws:sourceorgid", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:userid",
	"s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}

// Public says whether the policy lets anybody in.
func (p *Policy) Public() bool { return slices.ContainsFunc(p.Statements, Statement.public) }

func (s Statement) public() bool {
	everybody := s.NotPrincipal || slices.Contains(s.Principals, Principal{"AWS", "*"})
	return s.Allow && everybody && !slices.ContainsFunc(s.Conditions, Condition.fixes)
}

// fixes says whether a condition leaves only who is known.
func (c Condition) fixes() bool {
	key := strings.ToLower(c.Key)
	plain, ifExists, _ := operator(c.Operator)
	if ifExists || len(c.Values) == 0 {
		return false
	}
	switch plain {
	case "ipaddress":
		return key == "aws:sourceip" && !slices.ContainsFunc(c.Values, wide)
	case "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike":
		return slices.Contains(fixing, key) && !slices.ContainsFunc(c.Values, func(v string) bool { return open(key, v) })
	}
	return false
}

// open says whether a value stands for anybody's. An access point may be any of a known account.
func open(key, value string) bool {
	if key == "s3:dataaccesspointarn" {
		parts := strings.SplitN(value, ":", 6)
		return len(parts) != 6 || strings.ContainsAny(parts[4], "*?")
	}
	return strings.ContainsAny(value, "*?") || strings.Contains(value, "${")
}

// wide says whether a range of addresses is so large that it is anybody's.
func wide(cidr string) bool {
	if _, err := netip.ParseAddr(cidr); err == nil {
		return false
	}
	p, err := netip.ParsePrefix(cidr)
	least := 8
	if err == nil && p.Addr().Is6() {
		least = 32
	}
	return err != nil || p.Bits() < least
}
