package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Sizes of deployment packages, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxZip      = 50 << 20
	maxUnzipped = 250 << 20
)

// deployment is code that was received and checked: a package, or an image.
type deployment struct {
	Code       storage.Blob
	CodeSize   int64
	CodeSHA256 string
	Image      string
}

// receive stores and checks a deployment package. The caller links or discards its blob.
func (s *Service) receive(ctx context.Context, packageType string, code *lam.FunctionCode) (deployment, error) {
	if packageType == string(lam.PackageTypeImage) {
		if code.ImageUri == "" {
			return deployment{}, errInvalidValue("Please provide ImageUri when updating a function with packageType Image.")
		}
		// On AWS it is the image's digest, which only a registry knows.
		return deployment{Image: code.ImageUri, CodeSHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(code.ImageUri)))}, nil
	}
	switch {
	case code.ImageUri != "":
		return deployment{}, errInvalidValue("Please don't provide ImageUri when updating a function with packageType Zip.")
	case len(code.ZipFile) > 0 && (code.S3Bucket != "" || code.S3Key != ""):
		return deployment{}, errInvalidValue("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case len(code.ZipFile) == 0 && (code.S3Bucket == "" || code.S3Key == ""):
		return deployment{}, errInvalidValue("Please provide a source for function code.")
	}
	var from io.Reader = bytes.NewReader(code.ZipFile)
	if code.S3Bucket != "" {
		object, err := s.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: code.S3Bucket, Key: code.S3Key, VersionId: code.S3ObjectVersion})
		if err != nil {
			return deployment{}, errS3(err)
		}
		defer object.Body.Close()
		from = object.Body
	} else if len(code.ZipFile) > maxZip {
		return deployment{}, errZipTooLarge()
	}
	w, err := s.env.Blobs.Create(ctx)
	if err != nil {
		return deployment{}, err
	}
	defer w.Abort()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, hash), from)
	if err != nil {
		return deployment{}, err
	}
	blob, err := w.Finish()
	if err != nil {
		return deployment{}, err
	}
	if err := s.checkZip(blob); err != nil {
		s.env.Blobs.Discard(blob)
		return deployment{}, err
	}
	return deployment{Code: blob, CodeSize: size, CodeSHA256: base64.StdEncoding.EncodeToString(hash.Sum(nil))}, nil
}

// openZip opens a package. The caller closes it.
func (s *Service) openZip(blob storage.Blob) (*zip.Reader, io.Closer, error) {
	r, err := s.env.Blobs.Open(blob)
	if err != nil {
		return nil, nil, err
	}
	z, err := zip.NewReader(r, r.Size())
	if err != nil {
		r.Close()
		return nil, nil, errUnzip()
	}
	return z, r, nil
}

// checkZip makes sure that a package can be unpacked: what it says of sizes is
// held to when it is.
func (s *Service) checkZip(blob storage.Blob) error {
	z, c, err := s.openZip(blob)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(z.File) == 0 {
		return errInvalidValue("Uploaded file must be a non-empty zip")
	}
	left := uint64(maxUnzipped)
	for _, f := range z.File {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return errUnzip()
		}
		if f.UncompressedSize64 > left {
			return errInvalidValue("Unzipped size must be smaller than %d bytes", maxUnzipped)
		}
		left -= f.UncompressedSize64
	}
	return nil
}

func (s *Service) updateFunctionCode(ctx context.Context, in *lam.UpdateFunctionCodeInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, errUnsupported("PublishTo is")
	}
	var now *version
	err = s.env.DB.View(func(tx storage.Tx) error {
		now, err = s.latest(tx, r, in.RevisionId)
		return err
	})
	if err != nil {
		return nil, err
	}
	code, err := s.receive(ctx, now.PackageType, &lam.FunctionCode{
		ZipFile: in.ZipFile, S3Bucket: in.S3Bucket, S3Key: in.S3Key, S3ObjectVersion: in.S3ObjectVersion, ImageUri: in.ImageUri,
	})
	if err != nil {
		return nil, err
	}
	edit := func(v *version) {
		v.deployment = code
		if len(in.Architectures) > 0 {
			v.Architecture = string(in.Architectures[0])
		}
	}
	if in.DryRun != nil && *in.DryRun {
		s.env.Blobs.Discard(code.Code)
		would := *now
		edit(&would)
		return would.describe(r.at("")), nil
	}
	publish := in.Publish != nil && *in.Publish
	v, err := s.change(ctx, r, in.RevisionId, publish, func(tx storage.Tx, v *version) error {
		old := v.Code
		edit(v)
		if err := s.env.Blobs.Link(tx, v.Code); err != nil {
			return err
		}
		return s.env.Blobs.Unlink(tx, old)
	})
	if err != nil {
		s.env.Blobs.Discard(code.Code)
		return nil, err
	}
	if publish {
		return v.beingCreated(r.at(v.Version)), nil
	}
	return v.beingUpdated(r.at("")), nil
}

// codePath is where packages are downloaded; on AWS it is a presigned S3 address.
const codePath = "/_aws/lambda-code"

// codeLocation is the address of a version's package.
func codeLocation(call *api.Call, r reference, v *version) string {
	return fmt.Sprintf("%s://%s%s/%s/%s/%s/%s", call.Scheme, call.Host, codePath, r.account, r.region, v.Name, strings.TrimPrefix(v.Version, "$"))
}

// Routes implements service.DataPlane: the download of deployment packages.
func (s *Service) Routes() []service.Route {
	return []service.Route{{Path: codePath + "/{account}/{region}/{name}/{version}", Serve: s.serveCode}}
}

func (s *Service) serveCode(w http.ResponseWriter, req *http.Request, vars service.Vars) {
	v := vars["version"]
	if !isVersion(v) {
		v = "$" + v
	}
	r := reference{owner{vars["account"], vars["region"]}, vars["name"], v}
	var found *version
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		found, err = s.find(tx, r)
		return err
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	body, err := s.env.Blobs.Open(found.Code)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/zip")
	http.ServeContent(w, req, "", found.LastModified, body)
}
