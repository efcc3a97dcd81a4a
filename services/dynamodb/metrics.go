package dynamodb

import (
	"bytes"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// collectionMetrics is what AWS tells of an item's collection: of all items
// with its partition key, where the table has local indexes.
func (s *Service) collectionMetrics(asked ddb.ReturnItemCollectionMetrics, t *schema, key item.Attributes) (*ddb.ItemCollectionMetrics, error) {
	local := false
	for _, x := range t.indexes {
		local = local || !x.Global
	}
	if asked != ddb.ReturnItemCollectionMetricsSize || !local {
		return nil, nil
	}
	size := 0
	err := s.env.DB.View(func(tx storage.Tx) error {
		size = 0
		sum := func(prefix []byte, k *keySchema) error {
			for e, err := range tx.Scan(storage.Prefix(k.appendPartition(bytes.Clone(prefix), key))) {
				if err != nil {
					return err
				}
				n, err := item.EncodedSize(e.Value)
				if err != nil {
					return err
				}
				size += n
			}
			return nil
		}
		if err := sum(t.prefix, &t.keySchema); err != nil {
			return err
		}
		for _, x := range t.indexes {
			if !x.Global {
				if err := sum(x.prefix, &x.keySchema); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	partition := item.Item{}
	for _, a := range t.partition {
		partition[a.name] = key.Attribute(a.name)
	}
	gigabytes := float64(size >> 30)
	return &ddb.ItemCollectionMetrics{ItemCollectionKey: partition, SizeEstimateRangeGB: []float64{gigabytes, gigabytes + 1}}, nil
}
