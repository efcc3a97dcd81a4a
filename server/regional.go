package server

import (
	"net"
	"net/http"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/services/service"
)

// elsewhere asks the service of a request that came to a region's host whether
// that is the right one. Hosts that name no region are right for all of them.
func (x *exchange) elsewhere(op *api.Operation, r *http.Request) error {
	t := &x.target
	regional := x.server.regional[t.model]
	if regional == nil {
		return nil
	}
	name := hostname(r.Host)
	domain := domainOf(name, x.server.directory.domain)
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		domain = net.JoinHostPort(domain, port)
	}
	return regional.Elsewhere(service.Addressed{
		Operation: op, Labels: t.labels(), Region: t.place, Domain: domain, VirtualHost: t.virtualHost,
	})
}

// domainOf is the domain of ours that a host is below.
func domainOf(name, domain string) string {
	rest, ok := cutDomain(name, domain)
	if !ok {
		return name
	}
	return name[len(rest)+1:]
}
