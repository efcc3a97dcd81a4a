package server

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/server/protocol"
)

// target is what a request wants.
type target struct {
	// model is the service; nil when the request names one we do not know,
	// whose name is then in unknown.
	model   *api.Model
	unknown string
	// protocol is how the client speaks.
	protocol api.Protocol
	// op is the operation; nil when the request names none that exists.
	op api.Known
	// operation is the name that was asked for, when op is nil.
	operation string
	// inForm says that the operation is named by the form in the body, as
	// the query protocols do; the server reads it there.
	inForm bool
	// uri is what the request's address says; its labels are those of a REST
	// operation's URI.
	uri protocol.URI
	// region is the region the request names, or ""; place is the one that its host names.
	region, place string
	// virtualHost says that the S3 bucket was named by the host.
	virtualHost bool
}

// directory knows all services by every name that requests use for them.
type directory struct {
	domain     string
	byName     map[string]*entry // the models' names
	byTarget   map[string]*entry // X-Amz-Target prefix
	bySigning  map[string][]*entry
	byEndpoint map[string]*entry
	byVersion  map[string][]*entry // query services by API version
	s3         *entry
	rest       []*entry // REST services but S3
}

// entry is one service in the directory.
type entry struct {
	model *api.Model
	ops   map[string]api.Known
	table table // nil for RPC services
}

func newDirectory(models []*api.Model, domain string) *directory {
	d := &directory{
		domain: domain, byName: map[string]*entry{}, byTarget: map[string]*entry{}, bySigning: map[string][]*entry{},
		byEndpoint: map[string]*entry{}, byVersion: map[string][]*entry{},
	}
	for _, m := range models {
		e := &entry{model: m, ops: make(map[string]api.Known, len(m.Operations))}
		for _, op := range m.Operations {
			e.ops[op.Spec().Name] = op
		}
		s := m.Service
		d.byName[s.Name] = e
		if s.TargetPrefix != "" {
			d.byTarget[s.TargetPrefix] = e
		}
		d.bySigning[s.SigningName] = append(d.bySigning[s.SigningName], e)
		if d.byEndpoint[s.EndpointPrefix] == nil {
			d.byEndpoint[s.EndpointPrefix] = e
		}
		for _, p := range s.Protocols {
			switch p {
			case api.Query, api.EC2:
				d.byVersion[s.Version] = append(d.byVersion[s.Version], e)
			case api.RESTXML, api.RESTJSON:
				e.table = newTable(m)
				if s.Name == "s3" {
					d.s3 = e
				} else {
					d.rest = append(d.rest, e)
				}
			}
		}
	}
	return d
}

// identify says what a request wants, by its headers, host and path. It does
// not look at the body. What names another service is never taken for S3. only
// is the service whose door the request came through, or nil.
func (d *directory) identify(r *http.Request, only *entry) target {
	host := parseHost(r.Host, d.domain)
	t := target{region: host.region, place: host.region}
	if protocol.HeaderOf(r.Header, "Smithy-Protocol") == "rpc-v2-cbor" {
		return d.cbor(r, t)
	}
	scope := scopeOf(r)
	if scope.region != "" && scope.region != "*" {
		t.region = scope.region
	}
	if x := protocol.HeaderOf(r.Header, "X-Amz-Target"); x != "" {
		t = d.json(x, scope, t)
		if t.model == nil && only != nil {
			t.model, t.unknown = only.model, ""
		}
		return t
	}
	path := r.URL.EscapedPath()
	q := protocol.ParseQuery(r.URL.RawQuery)
	t.uri.Query = q
	if e, known := d.service(scope, host, path); known {
		if e == nil {
			t.unknown = scope.service
			if t.unknown == "" {
				t.unknown = host.service
			}
			t.protocol = protocolOf(r, q)
			return t
		}
		if e.table == nil {
			return d.query(r, q, []*entry{e}, t)
		}
		return d.restful(e, r, host, path, q, t)
	}
	if only != nil {
		return d.restful(only, r, host, path, q, t)
	}
	if isForm(r) && formPath(path) || has(q, "Action") && has(q, "Version") {
		return d.query(r, q, nil, t)
	}
	for _, e := range d.rest {
		// Unsigned, and not by host: only a path that is no bucket's.
		if op, labels, ok := e.table.match(r.Method, path, q, r.Header); ok && ownPath(path) {
			t.model, t.protocol, t.op, t.uri.Labels = e.model, e.model.Service.Protocols[0], op, labels
			return t
		}
	}
	return d.restful(d.s3, r, host, path, q, t)
}

// service finds the service by the signature's scope, then by the host. known
// is false when neither names one; e is nil when the one named is not ours.
func (d *directory) service(scope scope, host address, path string) (e *entry, known bool) {
	if scope.service != "" {
		name := scope.service
		if name == "s3express" || name == "s3-object-lambda" {
			name = "s3"
		}
		candidates := d.bySigning[name]
		if len(candidates) == 0 {
			if e := d.byEndpoint[name]; e != nil {
				return e, true
			}
			return nil, true
		}
		if len(candidates) > 1 {
			for _, e := range candidates {
				if e.model.Service.EndpointPrefix == host.service && host.service != "" && !sharedEndpoint(candidates) {
					return e, true
				}
			}
			for _, e := range candidates {
				if e.table != nil && e.table.hasPath(path) {
					return e, true
				}
			}
		}
		return candidates[0], true
	}
	if host.service != "" && host.service != "localhost" {
		if e := d.byEndpoint[host.service]; e != nil {
			if candidates := d.bySigning[e.model.Service.SigningName]; len(candidates) > 1 && sharedEndpoint(candidates) {
				for _, e := range candidates {
					if e.table != nil && e.table.hasPath(path) {
						return e, true
					}
				}
			}
			return e, true
		}
		if host.region != "" {
			return nil, true
		}
		// {bucket}.localhost, as SDKs make of an endpoint without path style.
	}
	return nil, false
}

// sharedEndpoint says that services live at one endpoint and differ by path,
// as the two API Gateways do.
func sharedEndpoint(entries []*entry) bool {
	return len(entries) > 1 && entries[0].model.Service.EndpointPrefix == entries[1].model.Service.EndpointPrefix
}

// hasPath says whether any operation has the path.
func (t table) hasPath(path string) bool {
	path = strings.TrimPrefix(path, "/")
	for _, routes := range t {
		for _, r := range routes {
			if r.matchPath(path, nil) {
				return true
			}
		}
	}
	return false
}

// cbor identifies rpc-v2-cbor: POST /service/{target prefix}/operation/{name}.
func (d *directory) cbor(r *http.Request, t target) target {
	t.protocol = api.CBOR
	if s := scopeOf(r); s.region != "" && s.region != "*" {
		t.region = s.region
	}
	parts := strings.Split(r.URL.Path, "/")
	if n := len(parts); n >= 5 && parts[n-4] == "service" && parts[n-2] == "operation" {
		t.operation = parts[n-1]
		if e := d.byTarget[parts[n-3]]; e != nil {
			t.model, t.op = e.model, e.ops[t.operation]
		} else {
			t.unknown = parts[n-3]
		}
	}
	return t
}

// json identifies awsJson: X-Amz-Target: {target prefix}.{operation}.
func (d *directory) json(header string, scope scope, t target) target {
	t.protocol = api.JSON
	prefix, name, _ := cutLast(header, '.')
	t.operation = name
	if e := d.byTarget[prefix]; e != nil {
		t.model, t.op = e.model, e.ops[name]
		return t
	}
	t.unknown = scope.service
	if t.unknown == "" {
		t.unknown = prefix
	}
	return t
}

// query identifies the query protocols; the operation is in the URL or, more
// often, in the body.
func (d *directory) query(r *http.Request, q protocol.Pairs, candidates []*entry, t target) target {
	t.protocol = api.Query
	if len(candidates) == 1 {
		t.model = candidates[0].model
		if t.model.Service.Protocols[0] == api.EC2 {
			t.protocol = api.EC2
		}
	}
	if action, ok := q.Get("Action"); ok {
		version, _ := q.Get("Version")
		return d.action(t, action, version)
	}
	t.inForm = true
	return t
}

// action completes a target with the Action and Version of a form.
func (d *directory) action(t target, action, version string) target {
	t.inForm, t.operation = false, action
	var candidates []*entry
	if t.model != nil {
		candidates = d.bySigning[t.model.Service.SigningName]
	} else {
		candidates = d.byVersion[version]
	}
	for _, e := range candidates {
		if op := e.ops[action]; op != nil {
			t.model, t.op = e.model, op
			return t
		}
	}
	if t.model == nil && len(candidates) > 0 {
		t.model = candidates[0].model
	}
	return t
}

// restful identifies an operation of a REST service.
func (d *directory) restful(e *entry, r *http.Request, host address, path string, q protocol.Pairs, t target) target {
	t.model, t.protocol = e.model, e.model.Service.Protocols[0]
	method := r.Method
	if e == d.s3 {
		bucket := host.bucket
		if bucket == "" && host.service != "s3" && len(host.labels) > 0 {
			bucket = strings.Join(host.labels, ".")
		}
		if bucket != "" {
			t.virtualHost = true
			path = "/" + bucket + path
		}
	}
	op, labels, ok := e.table.match(method, path, q, r.Header) // a service that is not REST has no table
	if ok {
		// Directory buckets are listed at a host of their own by the same binding;
		// where all hosts are one, the signature says which are meant.
		if op.Spec().Name == "ListBuckets" && scopeOf(r).service == "s3express" {
			op = e.ops["ListDirectoryBuckets"]
		}
		t.op, t.uri.Labels = op, labels
		return t
	}
	t.operation = method + " " + r.URL.Path
	_, t.uri.Labels, _ = e.table.match(http.MethodGet, path, nil, r.Header) // what the path names all the same
	return t
}

// scope is the region and service of a signature's credential scope.
type scope struct{ region, service string }

// scopeOf reads the credential scope of a signed or presigned request without
// checking anything. SigV4A's has no region.
func scopeOf(r *http.Request) scope {
	credential := ""
	if h := protocol.HeaderOf(r.Header, "Authorization"); h != "" {
		if i := strings.Index(h, "Credential="); i >= 0 {
			credential, _, _ = strings.Cut(h[i+len("Credential="):], ",")
			credential, _, _ = strings.Cut(credential, " ")
		} else if strings.HasPrefix(h, "AWS ") { // SigV2, which only S3 still knew
			return scope{service: "s3"}
		}
	} else if i := strings.Index(r.URL.RawQuery, "X-Amz-Credential="); i >= 0 {
		credential = r.URL.RawQuery[i+len("X-Amz-Credential="):]
		if j := strings.IndexByte(credential, '&'); j >= 0 {
			credential = credential[:j]
		}
		if u, err := url.QueryUnescape(credential); err == nil {
			credential = u
		}
	} else if strings.Contains(r.URL.RawQuery, "AWSAccessKeyId=") && strings.Contains(r.URL.RawQuery, "Signature=") &&
		!strings.Contains(r.URL.RawQuery, "Action=") {
		return scope{service: "s3"}
	}
	// key/date/region/service/aws4_request; a key id may hold slashes.
	end, ok := strings.CutSuffix(credential, "/aws4_request")
	if !ok {
		return scope{}
	}
	rest, service, ok := cutLast(end, '/')
	if !ok {
		return scope{}
	}
	rest, region, _ := cutLast(rest, '/')
	if _, date, ok := cutLast(rest, '/'); !ok || len(date) != 8 {
		region = "" // SigV4A: key/date/service
	}
	return scope{region, service}
}

// protocolOf guesses how a client of an unknown service speaks.
func protocolOf(r *http.Request, q protocol.Pairs) api.Protocol {
	if isForm(r) || has(q, "Action") {
		return api.Query
	}
	return api.RESTJSON
}

// ownPath says that a path cannot be of a bucket in ordinary use: its first
// segment is an API version, or a collection of API Gateway.
func ownPath(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if len(first) == len("2015-03-31") && strings.HasPrefix(first, "20") && first[4] == '-' && first[7] == '-' {
		return true
	}
	return first == "v2" || first == "restapis" || first == "@connections"
}

// formPath says that the query protocols post forms there: to the root, and to
// the paths of SQS's queues, /account/name. Elsewhere it is for a bucket.
func formPath(path string) bool {
	if path == "/" || path == "" {
		return true
	}
	account, _, _ := strings.Cut(path[1:], "/")
	return api.IsAccount(account)
}

func isForm(r *http.Request) bool {
	ct := protocol.HeaderOf(r.Header, "Content-Type")
	if !strings.HasPrefix(ct, "application/x-www-form-urlencoded") {
		return false
	}
	mt, _, err := mime.ParseMediaType(ct)
	return err == nil && mt == "application/x-www-form-urlencoded" && r.Method == http.MethodPost
}

func has(q protocol.Pairs, name string) bool {
	_, ok := q.Get(name)
	return ok
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}
