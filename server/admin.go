package server

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/virga-cloud/virga/services/service"
)

// admin serves Virga's own addresses, below /_virga/, and the health checks by
// LocalStack's and MinIO's names.
func (s *Server) admin() {
	s.planes.HandleFunc("/_localstack/health", s.health).Methods("GET", "HEAD")
	s.planes.HandleFunc("/_virga/health", s.health).Methods("GET", "HEAD")
	for _, what := range []string{"live", "ready", "cluster", "cluster/read"} {
		s.planes.HandleFunc(minioHealth+what, func(http.ResponseWriter, *http.Request) {}).Methods("GET", "HEAD")
	}
	s.planes.HandleFunc("/_virga/coverage", s.coverage).Methods("GET")
	s.planes.HandleFunc("/_virga/reset", s.reset).Methods("POST")
	s.planes.HandleFunc("/_virga/clock", s.clock).Methods("GET", "POST")
	s.planes.HandleFunc("/_virga/drain", s.drain).Methods("POST")
	s.planes.PathPrefix("/_virga/").HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		adminError(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path)
	})
}

// minioHealth is where MinIO's users ask whether the server is there: the answer is its status.
// https://min.io/docs/minio/linux/operations/monitoring/healthcheck-probe.html
const minioHealth = "/minio/health/"

// health tells the version and the state of each service: "running" when
// something of it is implemented, "disabled" when only its name is known.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	states := map[string]string{}
	for _, m := range s.options.Models {
		states[m.Service.Name] = "disabled"
	}
	for _, svc := range s.options.Services {
		states[svc.Model().Service.Name] = "running"
	}
	reply(w, http.StatusOK, map[string]any{
		"services": states, "edition": "virga", "version": s.options.Version,
	})
}

// Coverage is what is implemented of one service.
type Coverage struct {
	Service    string              `json:"service"`
	ID         string              `json:"id"`
	Operations []OperationCoverage `json:"operations"`
}

// OperationCoverage is what is implemented of one operation.
type OperationCoverage struct {
	Name        string `json:"name"`
	Implemented bool   `json:"implemented"`
	// NoEffect are the parameters that are accepted and have none.
	NoEffect []string `json:"noEffect,omitempty"`
}

func (s *Server) coverage(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, s.Coverage())
}

// Coverage is what is implemented of every known service.
func (s *Server) Coverage() []Coverage {
	var all []Coverage
	for _, m := range s.options.Models {
		c := Coverage{Service: m.Service.Name, ID: m.Service.ID}
		for _, op := range m.Operations {
			covered := OperationCoverage{Name: op.Spec().Name}
			if o := s.operations[op]; o != nil {
				covered.Implemented, covered.NoEffect = true, o.NoEffect
			}
			c.Operations = append(c.Operations, covered)
		}
		all = append(all, c)
	}
	return all
}

// reset forgets everything: the store, the blobs, what services remember of them,
// running functions, the clock. Requests that run meanwhile see the store as it was or
// empty, by transaction. It is emptied first, or a service could learn again what it has
// just forgotten.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	if err := s.options.Reset(); err != nil {
		adminError(w, http.StatusInternalServerError, err.Error())
		return
	}
	for _, svc := range s.options.Services {
		if x, ok := svc.(service.Resetter); ok {
			if err := x.Reset(r.Context()); err != nil {
				adminError(w, http.StatusInternalServerError, err.Error())
				return
			}
		}
	}
	s.options.Clock.Reset()
	reply(w, http.StatusOK, map[string]any{"reset": true})
}

// clock reads and changes the time everything goes by.
func (s *Server) clock(w http.ResponseWriter, r *http.Request) {
	now := s.options.Clock.Now()
	if r.Method == http.MethodPost {
		var in struct {
			Advance string `json:"advance"`
			Freeze  bool   `json:"freeze"`
			Reset   bool   `json:"reset"`
		}
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			adminError(w, http.StatusBadRequest, `want {"advance":"72h"}, {"freeze":true} or {"reset":true}: `+err.Error())
			return
		}
		by := time.Duration(0)
		if in.Advance != "" {
			var err error
			if by, err = time.ParseDuration(in.Advance); err != nil || by < 0 {
				adminError(w, http.StatusBadRequest, `advance takes a duration such as "90s" or "72h", not `+in.Advance)
				return
			}
		}
		if in.Reset {
			now = s.options.Clock.Reset()
		}
		if in.Freeze {
			now = s.options.Clock.Freeze()
		}
		if by > 0 {
			now = s.options.Clock.Advance(by)
		}
	}
	reply(w, http.StatusOK, map[string]any{"now": now})
}

// drain answers when nothing is on its way between services any more.
func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	if err := s.options.Drain(r.Context()); err != nil {
		adminError(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]any{"drained": true})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func adminError(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"message": message})
}
