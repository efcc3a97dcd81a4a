package server

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/catalog"
)

// Through the door of one service, what names no other is that service's.
func TestDoors(t *testing.T) {
	d := newDirectory(catalog.Models, "")
	for _, c := range []struct {
		only, request, host string
		header              map[string]string
		want                string
	}{
		{"s3", "GET /", local, nil, "s3:ListBuckets"},
		{"s3", "GET /restapis/key", local, nil, "s3:GetObject"},
		{"s3", "GET /2015-03-31/functions/", local, nil, "s3:GetObject"},
		{"s3", "POST /123456789012/queue", local, h("Content-Type", "application/x-www-form-urlencoded"), "s3:"},
		{"s3", "GET /k?Action=x&Version=2011-06-15", "bucket.localhost:9000", nil, "s3:GetObject"},
		{"s3", "POST /", local, h("X-Amz-Target", "DynamoDB_20120810.ListTables"), "dynamodb:ListTables"},
		{"s3", "GET /", local, h("Authorization", signed("us-east-1", "lambda")), "lambda:"},
		{"dynamodb", "POST /", local, h("X-Amz-Target", "DynamoDB_20120810.ListTables"), "dynamodb:ListTables"},
		{"dynamodb", "GET /bucket/key", local, nil, "dynamodb:"},
		{"", "GET /restapis/key", local, nil, "apigateway:GetRestApi"},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		r := httptest.NewRequest(method, path, nil)
		r.Host = c.host
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		got := d.identify(r, d.byName[c.only])
		name := got.model.Service.Name + ":"
		if got.op != nil {
			name += got.op.Spec().Name
		}
		if name != c.want {
			t.Errorf("%s, %s %s: %s, want %s", c.only, c.host, c.request, name, c.want)
		}
	}
}
