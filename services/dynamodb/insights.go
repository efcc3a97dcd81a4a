package dynamodb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// Contributor insights are turned on and off, and told; the CloudWatch rules
// that they are named by count nothing.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/contributorinsights.html

// insights are those of a table, or of an index, once they were turned on.
type insights struct {
	Enabled bool
	Mode    ddb.ContributorInsightsMode
	Updated time.Time
}

func (i insights) status() ddb.ContributorInsightsStatus {
	if i.Enabled {
		return ddb.ContributorInsightsStatusEnabled
	}
	return ddb.ContributorInsightsStatusDisabled
}

// checkInsightsIndex finds the index that insights are about, "" for the table.
func (t *table) checkInsightsIndex(name string) error {
	if name == "" {
		return nil
	}
	if x := t.index(name); x == nil || !x.Global || x.Vector != nil {
		return &ddb.ResourceNotFoundException{Message: "Requested resource not found: Index: " + name + " not found"}
	}
	return nil
}

func (s *Service) updateContributorInsights(ctx context.Context, in *ddb.UpdateContributorInsightsInput) (*ddb.UpdateContributorInsightsOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	enable := in.ContributorInsightsAction == ddb.ContributorInsightsActionEnable
	if !enable && in.ContributorInsightsMode != "" {
		return nil, errParameter("ContributorInsightsMode can only be specified when ContributorInsightsAction is ENABLE")
	}
	now := api.CallFrom(ctx).Time
	var i insights
	err = s.env.DB.Update(func(tx storage.Tx) error {
		t, err := s.record(tx, id)
		if err != nil {
			return err
		}
		if err := t.checkInsightsIndex(in.IndexName); err != nil {
			return err
		}
		i = t.Insights[in.IndexName]
		i.Enabled, i.Updated = enable, now
		if in.ContributorInsightsMode != "" {
			i.Mode = in.ContributorInsightsMode
		}
		if enable && i.Mode == "" {
			i.Mode = ddb.ContributorInsightsModeAccessedAndThrottledKeys
		}
		if t.Insights == nil {
			t.Insights = map[string]insights{}
		}
		t.Insights[in.IndexName] = i
		return storage.PutRecord(tx, t.storageKey(), t)
	})
	if err != nil {
		return nil, err
	}
	status := ddb.ContributorInsightsStatusDisabling
	if enable {
		status = ddb.ContributorInsightsStatusEnabling
	}
	return &ddb.UpdateContributorInsightsOutput{TableName: id.name, IndexName: in.IndexName, ContributorInsightsStatus: status, ContributorInsightsMode: i.Mode}, nil
}

func (s *Service) describeContributorInsights(ctx context.Context, in *ddb.DescribeContributorInsightsInput) (*ddb.DescribeContributorInsightsOutput, error) {
	id, err := tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	out := &ddb.DescribeContributorInsightsOutput{TableName: id.name, IndexName: in.IndexName}
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.record(tx, id)
		if err != nil {
			return err
		}
		if err := t.checkInsightsIndex(in.IndexName); err != nil {
			return err
		}
		i := t.Insights[in.IndexName]
		out.ContributorInsightsStatus, out.LastUpdateDateTime, out.ContributorInsightsMode = i.status(), i.Updated, i.Mode
		if i.Enabled {
			out.ContributorInsightsRuleList = t.insightRules(in.IndexName, i)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// insightRules are the names of the CloudWatch rules that AWS makes: for
// partition keys, and for both parts of keys that have two.
func (t *table) insightRules(index string, i insights) []string {
	key, of := t.Key, t.Name
	if index != "" {
		key, of = t.index(index).Key, t.Name+"-"+index
	}
	parts := []string{"PK"}
	if slices.ContainsFunc(key, func(e *ddb.KeySchemaElement) bool { return e.KeyType == ddb.KeyTypeRange }) {
		parts = append(parts, "SK")
	}
	kinds := []string{"T"} // throttled
	if i.Mode == ddb.ContributorInsightsModeAccessedAndThrottledKeys {
		kinds = []string{"C", "T"}
	}
	var out []string
	for _, part := range parts {
		for _, kind := range kinds {
			out = append(out, "DynamoDBContributorInsights-"+part+kind+"-"+of+"-"+t.Created.UTC().Format("20060102150405"))
		}
	}
	return out
}

// maxInsights is how many a page lists.
const maxInsights = 100

func (s *Service) listContributorInsights(ctx context.Context, in *ddb.ListContributorInsightsInput) (*ddb.ListContributorInsightsOutput, error) {
	call := api.CallFrom(ctx)
	wanted := ""
	if in.TableName != "" {
		id, err := tableNamed(ctx, in.TableName)
		if err != nil {
			return nil, err
		}
		wanted = id.name
	}
	limit := maxInsights
	if in.MaxResults != nil && *in.MaxResults > 0 {
		limit = int(*in.MaxResults)
	}
	out := &ddb.ListContributorInsightsOutput{ContributorInsightsSummaries: []*ddb.ContributorInsightsSummary{}}
	err := s.env.DB.View(func(tx storage.Tx) error {
		out.ContributorInsightsSummaries, out.NextToken = out.ContributorInsightsSummaries[:0], ""
		if wanted != "" {
			if _, err := s.record(tx, tableID{call.Account, call.Region, wanted}); err != nil {
				return err
			}
		}
		for r, err := range storage.Records[table](tx, storage.Prefix(tablesKey(call.Account, call.Region))) {
			if err != nil {
				return err
			}
			t := r.Value
			if wanted != "" && t.Name != wanted {
				continue
			}
			for _, d := range t.listInsights() {
				if at := d.TableName + "/" + d.IndexName; in.NextToken != "" && at <= in.NextToken {
					continue
				}
				if len(out.ContributorInsightsSummaries) == limit {
					last := out.ContributorInsightsSummaries[limit-1]
					out.NextToken = last.TableName + "/" + last.IndexName
					return nil
				}
				out.ContributorInsightsSummaries = append(out.ContributorInsightsSummaries, d)
			}
		}
		return nil
	})
	return out, err
}

// listInsights are those of a table and its indexes, in order.
func (t *table) listInsights() (out []*ddb.ContributorInsightsSummary) {
	for name, i := range t.Insights {
		out = append(out, &ddb.ContributorInsightsSummary{TableName: t.Name, IndexName: name, ContributorInsightsStatus: i.status(), ContributorInsightsMode: i.Mode})
	}
	slices.SortFunc(out, func(a, b *ddb.ContributorInsightsSummary) int { return strings.Compare(a.IndexName, b.IndexName) })
	return out
}
