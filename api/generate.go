package api

//go:generate go run ../cmd/apigen -models ../../shared/models -out .
