package s3

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// nvmePolynomial is that of CRC64NVME, bit-reversed as the tables are.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

// combine computes the checksum of two strings from theirs and the length of
// the second, without the strings. Values are base64 of a linear algorithm.
//
// A CRC is linear over the polynomials with coefficients 0 and 1: appending n
// zero bytes multiplies it by x^8n, which repeated squaring does in log n
// steps, and the checksum of the second string is added to that. (The inversions
// at the ends of both checksums cancel out.)
func combine(a algorithm, first, second string, n int64) string {
	width, poly := uint(32), uint64(crc32.IEEE)
	switch a {
	case crc32cSum:
		poly = crc32.Castagnoli
	case crc64nvmeSum:
		width, poly = 64, nvmePolynomial
	}
	one := uint64(1) << (width - 1) // x^0
	shift, power := one, one>>8     // x^0, x^8
	for k := uint64(max(n, 0)); k > 0; k >>= 1 {
		if k&1 == 1 {
			shift = multiply(shift, power, one, poly)
		}
		power = multiply(power, power, one, poly)
	}
	sum := multiply(shift, decodeCRC(first), one, poly) ^ decodeCRC(second)
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], sum<<(64-width))
	return base64.StdEncoding.EncodeToString(raw[:width/8])
}

// multiply is a*b modulo the polynomial, all bit-reversed; one is x^0.
func multiply(a, b, one, poly uint64) uint64 {
	var product uint64
	for bit := one; bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= poly
		}
	}
	return product
}

// decodeCRC reads a CRC of 4 or 8 bytes.
func decodeCRC(value string) uint64 {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return 0 // values are the service's own
	}
	var sum uint64
	for _, b := range raw {
		sum = sum<<8 | uint64(b)
	}
	return sum
}
