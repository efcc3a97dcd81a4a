package api

// Trailers is implemented by streaming bodies (the io.ReadCloser members of
// inputs) that may end with trailing headers, as aws-chunked bodies do. Who
// wraps such a body keeps the interface. Names are in lower case, as in
// "x-amz-checksum-crc32".
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
type Trailers interface {
	// TrailerNames are the names that the request announced in x-amz-trailer,
	// known before the body is read. Other trailers are an error of the body.
	TrailerNames() []string
	// Trailer is the value of a trailer, and "" when it was not sent. It is
	// known once Read has returned io.EOF.
	Trailer(name string) string
}

// Unmeasured is implemented by streaming bodies that end where they end: the
// file in a form, whose length nobody says in advance. Other bodies
// of operations that ask for a length have one.
type Unmeasured interface{ Unmeasured() }
