package dynamodb

import (
	"regexp"
	"strings"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// What a table is encrypted with is told by the ARN of a key.
func TestEncryption(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	kms := func(key string) *ddb.UpdateTableInput {
		return &ddb.UpdateTableInput{SSESpecification: &ddb.SSESpecification{Enabled: new(true), SSEType: ddb.SSETypeKms, KMSMasterKeyId: key}}
	}
	off := &ddb.UpdateTableInput{SSESpecification: &ddb.SSESpecification{Enabled: new(false)}}
	if h.described().SSEDescription != nil {
		t.Error("a table with AWS's own key tells of it")
	}
	if got := h.refuses(off); got != parameterInvalid+"Table is already encrypted by default" {
		t.Errorf("%q", got)
	}
	d := h.change(kms(""))
	if e := d.SSEDescription; e.Status != ddb.SSEStatusUpdating || e.KMSMasterKeyArn != "" || d.TableStatus != ddb.TableStatusActive {
		t.Errorf("%+v", e)
	}
	own := h.described().SSEDescription
	if own.Status != ddb.SSEStatusEnabled || own.SSEType != ddb.SSETypeKms || !regexp.MustCompile(`^arn:aws:kms:us-east-1:000000000000:key/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(own.KMSMasterKeyArn) {
		t.Errorf("%+v", own)
	}
	if got := h.refuses(kms(own.KMSMasterKeyArn)); got != parameterInvalid+"Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key" {
		t.Errorf("%q", got)
	}
	for _, same := range []string{"alias/aws/dynamodb", "arn:aws:kms:us-east-1:000000000000:alias/aws/dynamodb"} {
		h.change(kms(same))
		if got := h.described().SSEDescription.KMSMasterKeyArn; got != own.KMSMasterKeyArn {
			t.Errorf("%s is %s", same, got)
		}
	}
	d = h.change(kms("1234abcd-12ab-34cd-56ef-1234567890ab"))
	if e := d.SSEDescription; e.Status != ddb.SSEStatusUpdating || e.KMSMasterKeyArn != own.KMSMasterKeyArn {
		t.Errorf("%+v", e)
	}
	if got := h.described().SSEDescription.KMSMasterKeyArn; got != "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab" {
		t.Error(got)
	}
	// The fourth change was the last for now.
	begun := h.clock.Now()
	want := "Subscriber limit exceeded: Encryption mode changes are limited in the 24h window ending at 2024-05-07T07:08:09.000Z. After the first 4 change, " +
		"each subsequent change in the same window can be performed at most once every 21600 seconds. Number of updates today: 4. " +
		"Last change at 2024-05-06T07:08:09.000Z. Next changes can be made at 2024-05-06T13:08:09.000Z."
	if got := h.refuses(off); got != want {
		t.Errorf("%q", got)
	}
	h.at(begun.Add(6 * time.Hour))
	h.change(off)
	if h.described().SSEDescription != nil {
		t.Error("a table that was given AWS's own key again tells of another")
	}
	if got := h.refuses(kms("")); !strings.Contains(got, "Number of updates today: 5.") {
		t.Errorf("%q", got)
	}
	h.at(begun.Add(24 * time.Hour))
	for range 4 {
		h.change(kms(""))
	}
}

// The class of a table is told once it was changed, which it may be twice a month.
func TestTableClass(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	standard, infrequent := &ddb.UpdateTableInput{TableClass: ddb.TableClassStandard}, &ddb.UpdateTableInput{TableClass: ddb.TableClassStandardInfrequentAccess}
	h.change(standard)
	if h.described().TableClassSummary != nil {
		t.Error("a table tells of the class that it always had")
	}
	if d := h.change(infrequent); d.TableClassSummary != nil || d.TableStatus != ddb.TableStatusUpdating {
		t.Errorf("%+v", d.TableClassSummary)
	}
	changed := h.clock.Now()
	h.clock.Advance(time.Minute)
	h.change(infrequent)
	if c := h.described().TableClassSummary; c.TableClass != ddb.TableClassStandardInfrequentAccess || !c.LastUpdateDateTime.Equal(changed) {
		t.Errorf("%+v", c)
	}
	if d := h.change(standard); d.TableClassSummary.TableClass != ddb.TableClassStandardInfrequentAccess {
		t.Errorf("%+v", d.TableClassSummary)
	}
	if c := h.described().TableClassSummary; c.TableClass != ddb.TableClassStandard {
		t.Errorf("%+v", c)
	}
	if got := h.refuses(infrequent); got != "Subscriber limit exceeded: Updates to TableClass are limited to 2 times in 30 day(s)." {
		t.Errorf("%q", got)
	}
	h.at(changed.Add(30 * 24 * time.Hour))
	h.change(infrequent)
}
