package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// maxTables is how many tables one answer lists, and the default.
const maxTables = 100

func (s *Service) listTables(ctx context.Context, in *ddb.ListTablesInput) (*ddb.ListTablesOutput, error) {
	call := api.CallFrom(ctx)
	limit := maxTables
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	prefix := tablesKey(call.Account, call.Region)
	r := storage.Prefix(prefix)
	r.KeysOnly = true
	if in.ExclusiveStartTableName != "" {
		r.Start = storage.PrefixEnd(tableKey(call.Account, call.Region, in.ExclusiveStartTableName))
	}
	out := &ddb.ListTablesOutput{}
	err := s.env.DB.View(func(tx storage.Tx) error {
		out.TableNames, out.LastEvaluatedTableName = []string{}, ""
		for e, err := range tx.Scan(r) {
			if err != nil {
				return err
			}
			if len(out.TableNames) == limit {
				out.LastEvaluatedTableName = out.TableNames[limit-1]
				break
			}
			key := storage.ReadKey(e.Key).Skip(len(prefix))
			out.TableNames = append(out.TableNames, key.String())
			if err := key.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
