package iam

import (
	"fmt"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/iam"
)

func errNoEntity(k kind, name string) error {
	return &iam.NoSuchEntityException{Message: fmt.Sprintf("The %s with name %s cannot be found.", k.name, name)}
}

func errExists(k kind, name string) error {
	return &iam.EntityAlreadyExistsException{Message: fmt.Sprintf("%s with name %s already exists.", k.title, name)}
}

func errConflict(message string) error { return &iam.DeleteConflictException{Message: message} }

func errMalformedPolicy(message string) error {
	return &iam.MalformedPolicyDocumentException{Message: message}
}

func errDuplicateTags() error {
	return &iam.InvalidInputException{Message: "Duplicate tag keys found. Please note that Tag keys are case insensitive."}
}

func errPath() error {
	return api.Errorf("ValidationError", 400, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
}

func errNoEmbedded(k kind, policy string) error {
	return &iam.NoSuchEntityException{Message: fmt.Sprintf("The %s policy with name %s cannot be found.", k.name, policy)}
}

func errNoPolicy(arn string) error {
	return &iam.NoSuchEntityException{Message: fmt.Sprintf("Policy %s does not exist or is not attachable.", arn)}
}

func errPolicyNotFound(arn string) error {
	return &iam.NoSuchEntityException{Message: fmt.Sprintf("Policy %s was not found.", arn)}
}

func errPolicyARN() error {
	return api.Errorf("ValidationError", 400, "Invalid ARN:  Could not be parsed!")
}

func errTooManyTags() error {
	return &iam.LimitExceededException{Message: fmt.Sprintf("The number of tags has reached the maximum limit of %d.", maxTags)}
}

func errNotAttached(arn string) error {
	return &iam.NoSuchEntityException{Message: fmt.Sprintf("Policy %s was not found.", arn)}
}

func errPolicyExists(name string) error {
	return &iam.EntityAlreadyExistsException{Message: fmt.Sprintf("A policy called %s already exists. Duplicate names are not allowed.", name)}
}

func errNoAccessKey(id string) error {
	return &iam.NoSuchEntityException{Message: fmt.Sprintf("The Access Key with id %s cannot be found.", id)}
}

func errTooManyKeys() error {
	return &iam.LimitExceededException{Message: "Cannot exceed quota for AccessKeysPerUser: 2"}
}
