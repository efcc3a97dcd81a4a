package protocol

import "testing"

// Each is as DynamoDB was seen to answer.
func TestPreferredEncoding(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                "",
		"identity":                        "",
		"br":                              "",
		"x-gzip":                          "",
		"gzip":                            "gzip",
		"deflate":                         "deflate",
		"gzip, deflate":                   "gzip",
		"br, identity, deflate, gzip":     "deflate",
		"GZIP, identity":                  "gzip",
		"dog, gzip ,, cat":                "gzip",
		"gzip;q=0.8, deflate;q=0.5":       "gzip",
		"*":                               "gzip",
		"*, deflate;q=0.5":                "gzip",
		"*, deflate":                      "deflate",
		"*, gzip;q=0.5":                   "deflate",
		"gzip ;q=0":                       "",
		"identity;q=0":                    "",
		"*;q=0":                           "",
		"*;q=0.5,identity":                "gzip",
		"br;q=0.8,identity;q=0.5,*;q=0":   "",
		`"gzip"`:                          "",
		"gzip br":                         "",
		"gzip:q=1":                        "",
		"gzip;q=31,deflate;q=51":          "gzip",
		"deflate;q=0.5, gzip;q=0.2":       "deflate",
		"deflate;q=0.5, gzip;q=1;q=0.2":   "gzip",
		"deflate;q=0.5,gzip;q=0.":         "deflate",
		"deflate;q=0.5,gzip;q=0.x":        "gzip",
		"deflate;q=-0.5,gzip;q=0.2":       "gzip",
		"gzip;q= 0;q=1":                   "",
		"gzip;q =0;q=1":                   "gzip",
		"gzip;nq=0;q=1":                   "",
		"gzip;q=0, gzip;q=1, gzip;q=0":    "gzip",
		"br,identity;q=0.5,gzip;q=0.0001": "gzip",
	} {
		if got := preferred(accept); got != want {
			t.Errorf("%s: %q, want %q", accept, got, want)
		}
	}
}
