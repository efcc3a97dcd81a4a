package apigateway

import (
	"context"
	"regexp"
	"time"

	"github.com/virga-cloud/virga/api"
	apigw "github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/storage"
)

// deployment is the record of a deployment: the resources as they were, and
// what of the API its answers depend on.
type deployment struct {
	ID, Description string
	Created         time.Time
	Binary          []string
	Resources       map[string]*resource
	Root            string
}

// stage is the record of a stage.
type stage struct {
	Name, Deployment, Description string
	Created, Updated              time.Time
	Variables, Tags               map[string]string
}

var stageName = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func (s *Service) createDeployment(ctx context.Context, in *apigw.CreateDeploymentInput) (*apigw.Deployment, error) {
	call := api.CallFrom(ctx)
	if in.CanarySettings != nil {
		return nil, notImplemented("A canary deployment")
	}
	if in.StageName != "" && !stageName.MatchString(in.StageName) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_-")
	}
	d := &deployment{ID: s.env.IDs.String(ids.LowerAlphanumeric, 6), Description: in.Description, Created: call.Time.Truncate(time.Second)}
	err := s.env.DB.Update(func(tx storage.Tx) error {
		a, err := s.read(ctx, tx, in.RestApiId)
		if err != nil {
			return err
		}
		methods := 0
		for _, r := range a.Resources {
			for _, m := range r.Methods {
				if methods++; m.Integration == nil {
					return badRequest("No integration defined for method")
				}
			}
		}
		if methods == 0 {
			return badRequest("The REST API doesn't contain any methods")
		}
		d.Binary, d.Resources, d.Root = a.Binary, a.Resources, a.Root
		if err := storage.PutRecord(tx, deploymentKey(a.ID, d.ID), d); err != nil {
			return err
		}
		if in.StageName == "" {
			return nil
		}
		st, err := storage.GetRecord[stage](tx, stageKey(a.ID, in.StageName))
		if err = absent(err, nil); err != nil {
			return err
		}
		if st == nil {
			st = &stage{Name: in.StageName, Created: d.Created, Description: in.StageDescription}
		}
		st.Deployment, st.Updated = d.ID, d.Created
		if in.Variables != nil {
			st.Variables = in.Variables
		}
		return storage.PutRecord(tx, stageKey(a.ID, in.StageName), st)
	})
	if err != nil {
		return nil, err
	}
	return d.describe(), nil
}

func (d *deployment) describe() *apigw.Deployment {
	return &apigw.Deployment{Id: d.ID, Description: d.Description, CreatedDate: d.Created}
}

func (s *Service) getDeployment(ctx context.Context, in *apigw.GetDeploymentInput) (out *apigw.Deployment, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		d, err := storage.GetRecord[deployment](tx, deploymentKey(in.RestApiId, in.DeploymentId))
		if err != nil {
			return absent(err, errNoDeployment)
		}
		out = d.describe()
		return nil
	})
	return out, err
}

func (s *Service) getDeployments(ctx context.Context, in *apigw.GetDeploymentsInput) (*apigw.GetDeploymentsOutput, error) {
	var all []*apigw.Deployment
	err := s.env.DB.View(func(tx storage.Tx) error {
		all = nil
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		for item, err := range storage.Records[deployment](tx, storage.Prefix(deploymentsKey(in.RestApiId))) {
			if err != nil {
				return err
			}
			all = append(all, item.Value.describe())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	items, position := page(all, in.Position, in.Limit, func(d *apigw.Deployment) string { return d.Id })
	return &apigw.GetDeploymentsOutput{Items: items, Position: position}, nil
}

func (s *Service) deleteDeployment(ctx context.Context, in *apigw.DeleteDeploymentInput) (*apigw.DeleteDeploymentOutput, error) {
	err := s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		key := deploymentKey(in.RestApiId, in.DeploymentId)
		if _, err := tx.Get(key); err != nil {
			return absent(err, errNoDeployment)
		}
		for item, err := range storage.Records[stage](tx, storage.Prefix(stagesKey(in.RestApiId))) {
			if err != nil {
				return err
			}
			if item.Value.Deployment == in.DeploymentId {
				return badRequest("Active stages pointing to this deployment must be moved or deleted")
			}
		}
		return tx.Delete(key)
	})
	return &apigw.DeleteDeploymentOutput{}, err
}

func (s *Service) createStage(ctx context.Context, in *apigw.CreateStageInput) (*apigw.Stage, error) {
	call := api.CallFrom(ctx)
	if in.CanarySettings != nil {
		return nil, notImplemented("A canary stage")
	}
	if !stageName.MatchString(in.StageName) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_-")
	}
	now := call.Time.Truncate(time.Second)
	st := &stage{Name: in.StageName, Deployment: in.DeploymentId, Description: in.Description, Created: now, Updated: now, Variables: in.Variables, Tags: in.Tags}
	err := s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		if _, err := tx.Get(deploymentKey(in.RestApiId, in.DeploymentId)); err != nil {
			return absent(err, badRequest("Deployment id does not exist"))
		}
		key := stageKey(in.RestApiId, in.StageName)
		if _, err := tx.Get(key); err == nil {
			return conflict("Stage already exists")
		} else if err := absent(err, nil); err != nil {
			return err
		}
		return storage.PutRecord(tx, key, st)
	})
	if err != nil {
		return nil, err
	}
	return st.describe(), nil
}

func (st *stage) describe() *apigw.Stage {
	return &apigw.Stage{
		DeploymentId: st.Deployment, StageName: st.Name, Description: st.Description, Variables: st.Variables, Tags: st.Tags,
		CacheClusterEnabled: new(false), CacheClusterStatus: apigw.CacheClusterStatusNotAvailable, TracingEnabled: new(false),
		MethodSettings: map[string]*apigw.MethodSetting{}, CreatedDate: st.Created, LastUpdatedDate: st.Updated,
	}
}

func (s *Service) getStage(ctx context.Context, in *apigw.GetStageInput) (out *apigw.Stage, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		st, err := storage.GetRecord[stage](tx, stageKey(in.RestApiId, in.StageName))
		if err != nil {
			return absent(err, errNoStage)
		}
		out = st.describe()
		return nil
	})
	return out, err
}

func (s *Service) getStages(ctx context.Context, in *apigw.GetStagesInput) (*apigw.GetStagesOutput, error) {
	out := new(apigw.GetStagesOutput)
	err := s.env.DB.View(func(tx storage.Tx) error {
		out.Item = []*apigw.Stage{}
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		for item, err := range storage.Records[stage](tx, storage.Prefix(stagesKey(in.RestApiId))) {
			if err != nil {
				return err
			}
			if in.DeploymentId == "" || item.Value.Deployment == in.DeploymentId {
				out.Item = append(out.Item, item.Value.describe())
			}
		}
		return nil
	})
	return out, err
}

func (s *Service) deleteStage(ctx context.Context, in *apigw.DeleteStageInput) (*apigw.DeleteStageOutput, error) {
	err := s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		key := stageKey(in.RestApiId, in.StageName)
		if _, err := tx.Get(key); err != nil {
			return absent(err, errNoStage)
		}
		return tx.Delete(key)
	})
	return &apigw.DeleteStageOutput{}, err
}
