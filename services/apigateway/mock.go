package apigateway

import (
	"encoding/json"
	"mime"
	"regexp"
	"strconv"
	"strings"

	apigw "github.com/virga-cloud/virga/api/apigateway"
)

// MOCK integrations answer without a backend: the request template gives a
// status code, which selects the integration response. Templates are taken as
// they are; what is in Apache Velocity's language is refused when it is put.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html

// bareKey is a member's name without quotes, which Velocity's output may have.
var bareKey = regexp.MustCompile(`([{,]\s*)([A-Za-z_][A-Za-z0-9_]*)(\s*:)`)

// mockStatus reads the status code from a request template's text.
func mockStatus(text string) (int, bool) {
	var out struct {
		StatusCode json.Number `json:"statusCode"`
	}
	if json.Unmarshal([]byte(text), &out) != nil && json.Unmarshal([]byte(bareKey.ReplaceAllString(text, `$1"$2"$3`)), &out) != nil {
		return 0, false
	}
	n, err := strconv.Atoi(string(out.StatusCode))
	return n, err == nil
}

// isStatic says whether a template is the same for all requests.
func isStatic(template string) bool { return !strings.ContainsAny(template, "$#") }

// checkMock refuses request templates of a MOCK integration that would need
// to be evaluated.
func checkMock(templates map[string]string) error {
	for _, text := range templates {
		if _, ok := mockStatus(text); !ok || !isStatic(text) {
			return notImplemented(`A request template of a MOCK integration other than {"statusCode": 200}, with any code,`)
		}
	}
	return nil
}

const responseHeader = "method.response.header."

// literal reads a mapping expression that is a text in quotes.
func literal(expression string) (string, bool) {
	text, opened := strings.CutPrefix(expression, "'")
	text, closed := strings.CutSuffix(text, "'")
	return text, opened && closed
}

// checkMockResponse refuses what of a MOCK integration's response would need
// to be evaluated, and headers that its method's response does not declare.
func checkMockResponse(m *method, r *apigw.IntegrationResponse) error {
	for name, expression := range r.ResponseParameters {
		if _, ok := literal(expression); !ok {
			return notImplemented("A response parameter of a MOCK integration that is not a text in single quotes")
		}
		declared := m.Responses[r.StatusCode]
		if declared == nil {
			return notFound("Invalid Response status code specified")
		}
		if _, ok := declared.ResponseParameters[name]; !ok || !strings.HasPrefix(name, responseHeader) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: " + name + "]")
		}
	}
	for _, text := range r.ResponseTemplates {
		if !isStatic(text) {
			return notImplemented("A response template of a MOCK integration with variables or directives")
		}
	}
	return nil
}

// mock answers a MOCK integration.
func (x *exchange) mock(body []byte) {
	i := x.method.Integration
	contentType, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil {
		contentType = "application/json"
	}
	text, ok := i.RequestTemplates[contentType]
	if !ok {
		if i.Passthrough == "NEVER" || i.Passthrough == "WHEN_NO_TEMPLATES" && len(i.RequestTemplates) > 0 {
			x.refuse(unsupported)
			return
		}
		text = string(body) // it is passed through
	}
	status, ok := mockStatus(text)
	if !ok {
		x.refuse(internalError)
		return
	}
	r := i.response(strconv.Itoa(status))
	if r == nil {
		x.refuse(internalError)
		return
	}
	for name, expression := range r.ResponseParameters {
		value, _ := literal(expression)
		x.w.Header().Set(strings.TrimPrefix(name, responseHeader), value)
	}
	contentType, answer := "application/json", r.ResponseTemplates["application/json"]
	if _, ok := r.ResponseTemplates[contentType]; !ok && len(r.ResponseTemplates) == 1 {
		for contentType, answer = range r.ResponseTemplates {
		}
	}
	answered, err := strconv.Atoi(r.StatusCode)
	if err != nil {
		x.refuse(internalError)
		return
	}
	x.write(answered, contentType, []byte(answer))
}

// response is the integration response that a status code selects: the one
// whose pattern matches it, and otherwise the one without a pattern.
func (i *integration) response(status string) *apigw.IntegrationResponse {
	var otherwise *apigw.IntegrationResponse
	for _, r := range i.Responses {
		if r.SelectionPattern == "" {
			otherwise = r
		} else if p, err := regexp.Compile("^(?:" + r.SelectionPattern + ")$"); err == nil && p.MatchString(status) {
			return r
		}
	}
	return otherwise
}
