package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is committed is what the generator makes: nobody edits generated files,
// and nobody changes the generator or the overrides without running it.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	models := filepath.Join("..", "..", "..", "shared", "models")
	if _, err := os.Stat(models); err != nil {
		t.Skipf("the service models are not at %s: put the data folder of the botocore package there", models)
	}
	api := filepath.Join("..", "..", "api")
	files, err := Generate(models, filepath.Join(api, "overrides.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(api, name))
		if err != nil {
			t.Errorf("%v: run go generate ./api", err)
		} else if !bytes.Equal(have, want) {
			t.Errorf("api/%s is not what the generator makes: run go generate ./api", name)
		}
	}
}

// The maps that the generator works with have no order; its output has.
func TestGeneratingTwiceGivesTheSame(t *testing.T) {
	models := filepath.Join("..", "..", "..", "shared", "models")
	if _, err := os.Stat(models); err != nil {
		t.Skipf("the service models are not at %s: put the data folder of the botocore package there", models)
	}
	overrides := filepath.Join("..", "..", "api", "overrides.json")
	first, err := Generate(models, overrides)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Generate(models, overrides)
	if err != nil {
		t.Fatal(err)
	}
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs between two runs", name)
		}
	}
}
