// Command apigen generates the packages below api from AWS's service models.
// It is run by `go generate ./api`.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// services are the packages that are generated, by their folder in the models.
var services = []string{
	"apigateway", "apigatewaymanagementapi", "apigatewayv2", "cloudwatch",
	"dynamodb", "dynamodbstreams", "events", "iam", "lambda", "logs", "s3",
	"scheduler", "sns", "sqs", "sts",
}

func main() {
	models := flag.String("models", filepath.Join("..", "..", "shared", "models"),
		"folder of service models in botocore's layout, such as the data folder of the botocore package")
	out := flag.String("out", ".", "the api folder")
	flag.Parse()
	files, err := Generate(*models, filepath.Join(*out, "overrides.json"))
	if err == nil {
		err = write(*out, files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

// write stores the generated files below dir.
func write(dir string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
