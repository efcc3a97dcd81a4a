// Package model reads AWS's service models in botocore's service-2.json layout
// and says, for each member of a structure, which `aws` tag it has.
package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// Model is one service model.
type Model struct {
	Metadata   Metadata            `json:"metadata"`
	Operations Ordered[*Operation] `json:"operations"`
	Shapes     Ordered[*Shape]     `json:"shapes"`
}

// Metadata is what the model says of the service.
type Metadata struct {
	APIVersion         string          `json:"apiVersion"`
	EndpointPrefix     string          `json:"endpointPrefix"`
	GlobalEndpoint     string          `json:"globalEndpoint"`
	JSONVersion        string          `json:"jsonVersion"`
	Protocol           string          `json:"protocol"`
	Protocols          []string        `json:"protocols"`
	ServiceID          string          `json:"serviceId"`
	ServiceFullName    string          `json:"serviceFullName"`
	SigningName        string          `json:"signingName"`
	TargetPrefix       string          `json:"targetPrefix"`
	XMLNamespace       string          `json:"xmlNamespace"`
	UID                string          `json:"uid"`
	TimestampFormat    string          `json:"timestampFormat"`
	AWSQueryCompatible json.RawMessage `json:"awsQueryCompatible"`
}

// Operation is an operation of a model.
type Operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input      *Ref   `json:"input"`
	Output     *Ref   `json:"output"`
	Errors     []*Ref `json:"errors"`
	AuthType   string `json:"authtype"`
	Deprecated bool   `json:"deprecated"`
	Endpoint   *struct {
		HostPrefix string `json:"hostPrefix"`
	} `json:"endpoint"`
	HTTPChecksum *struct {
		RequestAlgorithmMember  string `json:"requestAlgorithmMember"`
		RequestChecksumRequired bool   `json:"requestChecksumRequired"`
	} `json:"httpChecksum"`
	HTTPChecksumRequired bool `json:"httpChecksumRequired"`
	UnsignedPayload      bool `json:"unsignedPayload"`
}

// Ref is a use of a shape: by an operation, a member, a list or a map.
type Ref struct {
	Shape            string    `json:"shape"`
	Location         string    `json:"location"`
	LocationName     string    `json:"locationName"`
	QueryName        string    `json:"queryName"`
	ResultWrapper    string    `json:"resultWrapper"`
	Flattened        bool      `json:"flattened"`
	Streaming        bool      `json:"streaming"`
	XMLAttribute     bool      `json:"xmlAttribute"`
	XMLNamespace     Namespace `json:"xmlNamespace"`
	TimestampFormat  string    `json:"timestampFormat"`
	JSONValue        bool      `json:"jsonvalue"`
	HostLabel        bool      `json:"hostLabel"`
	IdempotencyToken bool      `json:"idempotencyToken"`
	EventPayload     bool      `json:"eventpayload"`
	EventHeader      bool      `json:"eventheader"`
}

// Namespace is an XML namespace, which models write as a string or an object.
type Namespace struct {
	URI    string `json:"uri"`
	Prefix string `json:"prefix"`
}

// UnmarshalJSON reads either form.
func (n *Namespace) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	type plain Namespace
	return json.Unmarshal(b, (*plain)(n))
}

// Shape is a shape of a model.
type Shape struct {
	Name            string        `json:"-"`
	Type            string        `json:"type"`
	Members         Ordered[*Ref] `json:"members"`
	Member          *Ref          `json:"member"` // of a list
	Key             *Ref          `json:"key"`    // of a map
	Value           *Ref          `json:"value"`  // of a map
	Required        []string      `json:"required"`
	Payload         string        `json:"payload"`
	Enum            []string      `json:"enum"`
	Min             *json.Number  `json:"min"`
	Max             *json.Number  `json:"max"`
	Pattern         string        `json:"pattern"`
	Flattened       bool          `json:"flattened"`
	Streaming       bool          `json:"streaming"`
	RequiresLength  bool          `json:"requiresLength"`
	Sensitive       bool          `json:"sensitive"`
	Union           bool          `json:"union"`
	Document        bool          `json:"document"`
	EventStream     bool          `json:"eventstream"`
	Event           bool          `json:"event"`
	Exception       bool          `json:"exception"`
	Fault           bool          `json:"fault"`
	TimestampFormat string        `json:"timestampFormat"`
	LocationName    string        `json:"locationName"`
	XMLNamespace    Namespace     `json:"xmlNamespace"`
	Error           *struct {
		Code           string `json:"code"`
		HTTPStatusCode int    `json:"httpStatusCode"`
		SenderFault    bool   `json:"senderFault"`
	} `json:"error"`
}

// Ref is the use of another shape by the given member of a structure, by the
// "key" or "value" of a map, or nil. The shape may be nil.
func (s *Shape) Ref(member string) *Ref {
	switch {
	case s == nil:
		return nil
	case s.Type == "map" && member == "key":
		return s.Key
	case s.Type == "map" && member == "value":
		return s.Value
	}
	return s.Members.ByName[member]
}

// Ordered is a JSON object that keeps its order.
type Ordered[T any] struct {
	Names  []string
	ByName map[string]T
}

// UnmarshalJSON reads an object.
func (o *Ordered[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("model: want an object, have %.20q", b)
	}
	o.ByName = map[string]T{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("%v: %w", t, err)
		}
		o.Names = append(o.Names, t.(string))
		o.ByName[t.(string)] = v
	}
	return nil
}

// Parse reads a model.
func Parse(b []byte) (*Model, error) {
	m := new(Model)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, err
	}
	for name, s := range m.Shapes.ByName {
		s.Name = name
	}
	if len(m.Metadata.Protocols) == 0 {
		m.Metadata.Protocols = []string{m.Metadata.Protocol}
	}
	if m.Metadata.SigningName == "" {
		m.Metadata.SigningName = m.Metadata.EndpointPrefix
	}
	return m, nil
}

// Load reads the newest version of a service's model below dir.
func Load(dir, service string) (*Model, error) {
	files, err := filepath.Glob(filepath.Join(dir, service, "*", "service-2.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no model of %s in %s", service, dir)
	}
	sort.Strings(files)
	b, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		return nil, err
	}
	m, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", files[len(files)-1], err)
	}
	return m, nil
}
