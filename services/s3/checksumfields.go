package s3

import "github.com/virga-cloud/virga/api/s3"

// The shapes that hold checksums have the same ten members each, in the order
// of the algorithms.

func putInputSums(p *s3.PutObjectInput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func putSums(p *s3.PutObjectOutput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func getSums(p *s3.GetObjectOutput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func headSums(p *s3.HeadObjectOutput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func copySums(p *s3.CopyObjectResult) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func partInputSums(p *s3.UploadPartInput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func partSums(p *s3.UploadPartOutput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func copyPartSums(p *s3.CopyPartResult) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func listedPartSums(p *s3.Part) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func completedPartSums(p *s3.CompletedPart) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func completeInputSums(p *s3.CompleteMultipartUploadInput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func completeSums(p *s3.CompleteMultipartUploadOutput) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func attributeSums(p *s3.Checksum) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}

func attributePartSums(p *s3.ObjectPart) checksumFields {
	return checksumFields{nil, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256,
		&p.ChecksumSHA512, &p.ChecksumMD5, &p.ChecksumXXHASH64, &p.ChecksumXXHASH3, &p.ChecksumXXHASH128}
}
