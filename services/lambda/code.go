package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
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

// deployment is code that was received and checked, and is not yet anyone's.
type deployment struct {
	blob   storage.Blob
	size   int64
	sha256 string
	image  string
}

func (v *version) setCode(d deployment) {
	v.Code, v.CodeSize, v.CodeSHA256, v.Image = d.blob, d.size, d.sha256, d.image
}

// receive stores and checks a deployment package. The caller links or discards its blob.
func (s *Service) receive(ctx context.Context, packageType string, code *lam.FunctionCode) (deployment, error) {
	if packageType == string(lam.PackageTypeImage) {
		sum := sha256.Sum256([]byte(code.ImageUri))
		return deployment{image: code.ImageUri, sha256: fmt.Sprintf("%x", sum)}, nil
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
		return deployment{}, &lam.RequestTooLargeException{Type: "User", Message: "Request must be smaller than 69905067 bytes for the CreateFunction operation"}
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
	return deployment{blob: blob, size: size, sha256: base64.StdEncoding.EncodeToString(hash.Sum(nil))}, nil
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
		return nil, nil, errZip("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	return z, r, nil
}

func (s *Service) checkZip(blob storage.Blob) error {
	z, c, err := s.openZip(blob)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(z.File) == 0 {
		return errZip("Uploaded file must be a non-empty zip")
	}
	total := uint64(0)
	for _, f := range z.File {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return errZip("Could not unzip uploaded file. Please check your file, then try to upload again.")
		}
		if total += f.UncompressedSize64; total > maxUnzipped {
			return errZip(fmt.Sprintf("Unzipped size must be smaller than %d bytes", maxUnzipped))
		}
	}
	return nil
}

// place unpacks a version's code, once, and returns where it is. What is there
// is whole: it is unpacked beside and renamed.
func (s *Service) place(v *version) (string, error) {
	name := strings.NewReplacer("/", "_", "+", "-", "=", "").Replace(v.CodeSHA256)
	dir := filepath.Join(s.env.Config.CacheDir, "code", name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	z, c, err := s.openZip(v.Code)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for _, f := range z.File {
		if err := unpack(f, filepath.Join(tmp, filepath.FromSlash(f.Name))); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Stat(dir); there != nil { // another invocation was first
			return "", err
		}
	}
	return dir, nil
}

// unpack writes one file of a package. Everybody may read it, and run it where
// somebody may, since functions run as another user.
func unpack(f *zip.File, path string) error {
	mode := f.Mode()
	if mode.IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(in, 4096))
		if err != nil {
			return err
		}
		return os.Symlink(string(target), path)
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 || mode.Perm() == 0 {
		perm = 0o755
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, maxUnzipped))
	return errors.Join(err, out.Close())
}

// codePath is where packages are downloaded; on AWS it is a presigned S3 address.
const codePath = "/_aws/lambda-code"

// codeLocation is the address of a version's package.
func (s *Service) codeLocation(call *api.Call, r reference, v *version) string {
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
