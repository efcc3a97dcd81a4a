package lambda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/storage"
)

// eventInvokeConfig is the record of how asynchronous invocations are treated.
type eventInvokeConfig struct {
	Qualifier            string
	Retries, MaxAge      *int32
	OnSuccess, OnFailure string
	LastModified         time.Time
}

func (c *eventInvokeConfig) describe(r reference) *lam.FunctionEventInvokeConfig {
	return &lam.FunctionEventInvokeConfig{
		LastModified: c.LastModified, FunctionArn: r.at(c.Qualifier).qualified(),
		MaximumRetryAttempts: c.Retries, MaximumEventAgeInSeconds: c.MaxAge,
		DestinationConfig: &lam.DestinationConfig{
			OnSuccess: &lam.OnSuccess{Destination: c.OnSuccess}, OnFailure: &lam.OnFailure{Destination: c.OnFailure},
		},
	}
}

// set takes over what is given.
func (c *eventInvokeConfig) set(retries, maxAge *int32, to *lam.DestinationConfig) {
	if retries != nil {
		c.Retries = retries
	}
	if maxAge != nil {
		c.MaxAge = maxAge
	}
	if to != nil && to.OnSuccess != nil {
		c.OnSuccess = to.OnSuccess.Destination
	}
	if to != nil && to.OnFailure != nil {
		c.OnFailure = to.OnFailure.Destination
	}
}

// checkEventInvoke makes the checks of what is set that need no data.
func checkEventInvoke(r reference, retries, maxAge *int32, to *lam.DestinationConfig) error {
	if retries == nil && maxAge == nil && to == nil {
		return errInvalidValue("You must specify at least one of error handling or destination setting.")
	}
	for _, arn := range destinations(to) {
		a, err := api.ParseARN(arn)
		if err != nil || !slices.Contains([]string{"lambda", "sqs", "sns", "events", "s3"}, a.Service) {
			return errInvalidValue("The provided destination config %s is invalid.", showDestinations(to))
		}
		if a.Service == "s3" && to.OnSuccess != nil && to.OnSuccess.Destination == arn { // buckets are told of failures only
			return errInvalidValue("The provided destination config %s is invalid.", showDestinations(to))
		}
		if f, err := resolveARN(arn); err == nil && f.owner == r.owner && f.name == r.name {
			return errInvalidValue("You can't specify the function as a destination for itself.")
		}
	}
	return nil
}

// destinations are the ARNs that are set.
func destinations(to *lam.DestinationConfig) (arns []string) {
	if to != nil && to.OnSuccess != nil && to.OnSuccess.Destination != "" {
		arns = append(arns, to.OnSuccess.Destination)
	}
	if to != nil && to.OnFailure != nil && to.OnFailure.Destination != "" {
		arns = append(arns, to.OnFailure.Destination)
	}
	return arns
}

// showDestinations is a destination configuration in AWS's error texts.
func showDestinations(to *lam.DestinationConfig) string {
	success, failure := "null", "null"
	if to.OnSuccess != nil {
		success = fmt.Sprintf("OnSuccess(destination=%s)", to.OnSuccess.Destination)
	}
	if to.OnFailure != nil {
		failure = fmt.Sprintf("OnFailure(destination=%s)", to.OnFailure.Destination)
	}
	return fmt.Sprintf("DestinationConfig(onSuccess=%s, onFailure=%s)", success, failure)
}

// configureEvents stores the configuration of what r names: a new one, or with
// keep the one there is, with what edit makes of it.
func (s *Service) configureEvents(ctx context.Context, r reference, keep bool, to *lam.DestinationConfig, edit func(*eventInvokeConfig)) (*lam.FunctionEventInvokeConfig, error) {
	r = r.orLatest()
	now := api.CallFrom(ctx).Time
	var c *eventInvokeConfig
	err := s.env.DB.Update(func(tx storage.Tx) error {
		var missing *lam.ResourceNotFoundException
		if _, err := s.find(tx, r); errors.As(err, &missing) {
			return errNoFunctionToConfigure()
		} else if err != nil {
			return err
		}
		for _, arn := range destinations(to) {
			if f, err := resolveARN(arn); err == nil && f.owner == r.owner {
				if _, err := s.find(tx, f); errors.As(err, &missing) {
					return errInvalidValue("The destination ARN %s is invalid.", arn)
				} else if err != nil {
					return err
				}
			}
		}
		key := eventInvokeKey(r.owner, r.name, r.qualifier)
		c = &eventInvokeConfig{Qualifier: r.qualifier}
		if keep {
			var err error
			if c, err = s.readEventInvokeConfig(tx, r); err != nil {
				return err
			}
		}
		edit(c)
		c.LastModified = now
		return storage.PutRecord(tx, key, c)
	})
	if err != nil {
		return nil, err
	}
	return c.describe(r), nil
}

func (s *Service) readEventInvokeConfig(tx storage.Tx, r reference) (*eventInvokeConfig, error) {
	c, err := storage.GetRecord[eventInvokeConfig](tx, eventInvokeKey(r.owner, r.name, r.orLatest().qualifier))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errNoEventInvokeConfig(r)
	}
	return c, err
}

func (s *Service) putFunctionEventInvokeConfig(ctx context.Context, in *lam.PutFunctionEventInvokeConfigInput) (*lam.FunctionEventInvokeConfig, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := checkEventInvoke(r, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig); err != nil {
		return nil, err
	}
	return s.configureEvents(ctx, r, false, in.DestinationConfig, func(c *eventInvokeConfig) {
		c.set(in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig)
	})
}

func (s *Service) updateFunctionEventInvokeConfig(ctx context.Context, in *lam.UpdateFunctionEventInvokeConfigInput) (*lam.FunctionEventInvokeConfig, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := checkEventInvoke(r, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig); err != nil {
		return nil, err
	}
	return s.configureEvents(ctx, r, true, in.DestinationConfig, func(c *eventInvokeConfig) {
		c.set(in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig)
	})
}

func (s *Service) getFunctionEventInvokeConfig(ctx context.Context, in *lam.GetFunctionEventInvokeConfigInput) (*lam.FunctionEventInvokeConfig, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var c *eventInvokeConfig
	err = s.env.DB.View(func(tx storage.Tx) error {
		c, err = s.readEventInvokeConfig(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.describe(r), nil
}

func (s *Service) listFunctionEventInvokeConfigs(ctx context.Context, in *lam.ListFunctionEventInvokeConfigsInput) (*lam.ListFunctionEventInvokeConfigsOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	scan := storage.Prefix(eventInvokesKey(r.owner, r.name))
	if in.Marker != "" {
		scan.Start = eventInvokeKey(r.owner, r.name, in.Marker)
	}
	var out *lam.ListFunctionEventInvokeConfigsOutput
	err = s.env.DB.View(func(tx storage.Tx) error {
		out = &lam.ListFunctionEventInvokeConfigsOutput{FunctionEventInvokeConfigs: []*lam.FunctionEventInvokeConfig{}}
		if _, err := tx.Get(functionKey(r.owner, r.name)); errors.Is(err, storage.ErrNotFound) {
			return errNoFunctionToConfigure()
		} else if err != nil {
			return err
		}
		for item, err := range storage.Records[eventInvokeConfig](tx, scan) {
			if err != nil {
				return err
			}
			if len(out.FunctionEventInvokeConfigs) == pageSize(in.MaxItems) {
				out.NextMarker = item.Value.Qualifier
				return nil
			}
			out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, item.Value.describe(r))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) deleteFunctionEventInvokeConfig(ctx context.Context, in *lam.DeleteFunctionEventInvokeConfigInput) (*lam.DeleteFunctionEventInvokeConfigOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &lam.DeleteFunctionEventInvokeConfigOutput{}, s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.readEventInvokeConfig(tx, r); err != nil {
			return err
		}
		return tx.Delete(eventInvokeKey(r.owner, r.name, r.orLatest().qualifier))
	})
}
