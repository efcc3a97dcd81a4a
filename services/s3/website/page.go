package website

import (
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api"
)

// ContentType is that of pages of errors.
const ContentType = "text/html; charset=utf-8"

// Page is the page of an error, as S3 writes it. second is why the site's own
// page could not be shown instead; nil where the site has none.
func Page(e, second *api.Error, requestID, hostID string) string {
	var b strings.Builder
	title := strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	b.WriteString("<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n<ul>\n")
	list(&b, e)
	item(&b, "RequestId", requestID)
	item(&b, "HostId", hostID)
	b.WriteString("</ul>\n")
	if second != nil {
		b.WriteString("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n")
		list(&b, second)
		b.WriteString("</ul>\n")
	}
	b.WriteString("<hr/>\n</body>\n</html>\n")
	return b.String()
}

func list(b *strings.Builder, e *api.Error) {
	item(b, "Code", e.Code)
	item(b, "Message", e.Message)
	for _, d := range e.Detail {
		item(b, d.Name, d.Value)
	}
}

func item(b *strings.Builder, name, value string) {
	b.WriteString("<li>" + name + ": " + html.EscapeString(value) + "</li>\n")
}
