// Package testsuite is Virga as its users meet it: through AWS's own SDK, with
// one file for each feature. Its tests state facts about AWS; those that need no
// address of ours would pass against AWS unchanged.
package testsuite

import (
	"errors"
	"os"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/virga-cloud/virga/testsuite/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// code is the error code of an answer, and "" of a success.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Fatalf("not an answer of the service: %v", err)
	}
	return e.ErrorCode()
}

// refused checks that a call failed with the code, and returns the message.
func refused(t *testing.T, err error, want string) string {
	t.Helper()
	if got := code(t, err); got != want {
		t.Fatalf("error code %q, want %q (%v)", got, want, err)
	}
	var e smithy.APIError
	errors.As(err, &e)
	return e.ErrorMessage()
}

// must is the answer of a call that succeeds.
func must[T any](answer T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}
