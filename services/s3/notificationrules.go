package s3

import (
	"slices"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/s3"
)

// maxRuleID is the longest id of a rule, in characters.
const maxRuleID = 255

// readRules reads a configuration and finds what is wrong with it by itself.
func (s *Service) readRules(c *s3.NotificationConfiguration) ([]notifyRule, error) {
	var rules []notifyRule
	var err error
	add := func(to destination, id, target string, events []s3.Event, filter *s3.NotificationConfigurationFilter) {
		if err == nil {
			var r notifyRule
			if r, err = s.readRule(to, id, target, events, filter); err == nil {
				rules = append(rules, r)
			}
		}
	}
	for _, q := range c.QueueConfigurations {
		add(toQueue, q.Id, q.QueueArn, q.Events, q.Filter)
	}
	for _, t := range c.TopicConfigurations {
		add(toTopic, t.Id, t.TopicArn, t.Events, t.Filter)
	}
	for _, f := range c.LambdaFunctionConfigurations {
		add(toFunction, f.Id, f.LambdaFunctionArn, f.Events, f.Filter)
	}
	if err != nil {
		return nil, err
	}
	return rules, checkRules(rules)
}

func (s *Service) readRule(to destination, id, target string, events []s3.Event, filter *s3.NotificationConfigurationFilter) (notifyRule, error) {
	r := notifyRule{ID: id, To: to, Target: target, Events: events}
	if id == "" {
		r.ID = s.env.IDs.String(ids.LowerAlphanumeric, 48)
	}
	if len(r.ID) > maxRuleID {
		return r, errInvalidArgument("Id", id, "Argument Id exceeds the maximum length of "+strconv.Itoa(maxRuleID))
	}
	arn, err := api.ParseARN(target)
	switch {
	case err != nil:
		return r, errInvalidArgument(to.argument(), target, "The ARN could not be parsed")
	case arn.Service != to.service() || arn.Account == "" || arn.Region == "":
		return r, errInvalidArgument(to.argument(), target, "The ARN is not well formed")
	case to == toTopic && strings.HasSuffix(arn.Resource, ".fifo"), to == toQueue && strings.HasSuffix(arn.Resource, ".fifo"):
		return r, errDestinations([]refusal{{target, "The destination is not allowed to be a FIFO resource"}})
	case len(events) == 0:
		return r, errMalformedXML()
	}
	for _, e := range events {
		if !slices.Contains(e.Values(), string(e)) {
			return r, errInvalidArgument("Event", string(e), "The event '"+string(e)+"' is not supported for notifications")
		}
	}
	if filter == nil || filter.Key == nil {
		return r, nil
	}
	r.Filtered = true
	for _, f := range filter.Key.FilterRules {
		var name string
		switch strings.ToLower(string(f.Name)) {
		case "prefix":
			name = "Prefix"
		case "suffix":
			name = "Suffix"
		default:
			return r, errInvalidArgument("FilterRule.Name", string(f.Name), "filter rule name must be either prefix or suffix")
		}
		if slices.ContainsFunc(r.Filters, func(other filterRule) bool { return other.Name == name }) {
			return r, errInvalidArgument("FilterRule.Name", string(f.Name), "Cannot specify more than one "+strings.ToLower(name)+" rule in a filter.")
		}
		if len(f.Value) > maxKey {
			return r, errInvalidArgument("FilterRule.Value", f.Value, "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation")
		}
		r.Filters = append(r.Filters, filterRule{name, f.Value})
	}
	return r, nil
}

// checkRules holds the rules of a bucket to each other: ids are unique, and no
// event of a key may have two rules.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
func checkRules(rules []notifyRule) error {
	for i := range rules {
		for j := range i {
			if rules[i].ID == rules[j].ID {
				return errInvalidArgument("Id", rules[i].ID, "Same ID used for multiple configurations. IDs must be unique")
			}
			if event, ok := overlap(&rules[i], &rules[j]); ok {
				if !rules[i].Filtered && !rules[j].Filtered {
					return errInvalidArgument("Event", string(event), "Configurations overlap. Configurations on the same bucket cannot share a common event type.")
				}
				return errInvalidArgument("Event", string(event), "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.")
			}
		}
	}
	return nil
}

// overlap says whether two rules take an event of the same key.
func overlap(a, b *notifyRule) (s3.Event, bool) {
	p, q := a.filter("Prefix"), b.filter("Prefix")
	if !strings.HasPrefix(p, q) && !strings.HasPrefix(q, p) {
		return "", false
	}
	p, q = a.filter("Suffix"), b.filter("Suffix")
	if !strings.HasSuffix(p, q) && !strings.HasSuffix(q, p) {
		return "", false
	}
	for _, e := range a.Events {
		for _, f := range b.Events {
			if covers(e, f) || covers(f, e) {
				return e, true
			}
		}
	}
	return "", false
}

// checkTarget holds a rule's target to the bucket it is for.
func (r *notifyRule) checkTarget(b *bucket) error {
	arn, err := api.ParseARN(r.Target)
	if err != nil {
		return err
	}
	if arn.Region != b.Region {
		return errInvalidArgument(r.To.argument(), r.Target, "The notification destination service region is not valid for the bucket location constraint")
	}
	return nil
}
