package protocol

// What a server cannot meet, and why. Nothing else is skipped.
const (
	noBodyInVector = "the vector leaves the compressed body out"
	clientsToken   = "the client fills the token in; a server sees one that was sent"
	notSent        = "what the parameters hold is not in the request"
	notTwice       = "what a member takes from the query is not in the map of the other parameters; rest-xml's cases say so too"
	emptyIsThere   = "a body of {} holds an empty structure for a server, and nothing for the client that had to send it"
)

var unmetInputs = map[string]string{
	"SDKAppliedContentEncoding_awsJson1_0":                    noBodyInVector,
	"SDKAppliedContentEncoding_awsJson1_1":                    noBodyInVector,
	"SDKAppliedContentEncoding_awsQuery":                      noBodyInVector,
	"SDKAppliedContentEncoding_ec2Query":                      noBodyInVector,
	"SDKAppliedContentEncoding_restJson1":                     noBodyInVector,
	"SDKAppliedContentEncoding_restXml":                       noBodyInVector,
	"SDKAppendedGzipAfterProvidedEncoding_restJson1":          noBodyInVector,
	"SDKAppendedGzipAfterProvidedEncoding_restXml":            noBodyInVector,
	"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0": noBodyInVector,
	"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1": noBodyInVector,
	"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery":   noBodyInVector,
	"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query":   noBodyInVector,

	"QueryProtocolIdempotencyTokenAutoFill": clientsToken,
	"Ec2ProtocolIdempotencyTokenAutoFill":   clientsToken,
	"QueryIdempotencyTokenAutoFill":         clientsToken,
	"RestJsonQueryIdempotencyTokenAutoFill": clientsToken,

	"RestJsonHttpPrefixHeadersAreNotPresent": notSent + ": an empty map of headers",
	"HttpPrefixHeadersAreNotPresent":         notSent + ": an empty map of headers",
	"RestJsonNullAndEmptyHeaders":            notSent + ": an empty list in a header",
	"NullAndEmptyHeaders":                    notSent + ": an empty list in a header",
	"RestJsonOmitsEmptyListQueryValues":      notSent + ": empty lists in the query",
	"RestJsonQueryPrecedence":                notSent + ": the parameter that another one overrode",
	"RestXmlQueryPrecedence":                 notSent + ": the parameter that another one overrode",

	"QueryEmptyQueryMaps": notSent + ": an empty map",
	"Ec2EmptyQueryLists":  notSent + ": an empty list",

	"RestJsonAllQueryStringTypes":                      notTwice,
	"RestJsonQueryStringEscaping":                      notTwice,
	"RestJsonSupportsNaNFloatQueryValues":              notTwice,
	"RestJsonSupportsInfinityFloatQueryValues":         notTwice,
	"RestJsonSupportsNegativeInfinityFloatQueryValues": notTwice,
	"RestJsonZeroAndFalseQueryValues":                  notTwice,

	"RestJsonHttpWithEmptyStructurePayload": emptyIsThere,
	"RestJsonHttpWithHeadersButNoPayload":   emptyIsThere,
}

var unmetOutputs = map[string]string{
	"HttpPrefixHeadersAreNotPresent": notSent + ": an empty map of headers",
}
