package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
)

// keyScope is what a derived key depends on. SigV4A's have neither date,
// region nor service.
type keyScope struct {
	id, secret, date, region, service string
	algorithm                         Algorithm
}

// signingKey is what signatures of one scope are verified with.
type signingKey struct {
	secret [sha256.Size]byte // HMAC
	public *ecdsa.PublicKey  // ECDSA
	// macs are kept for the next signature: one that is new hashes its key first.
	macs sync.Pool
}

// mac makes signatures with one key.
type mac struct {
	hash.Hash
	sum    [sha256.Size]byte
	digits [2 * sha256.Size]byte
}

// matches says, in constant time, whether value is the signature of text.
func (k *signingKey) matches(text []byte, value string) bool {
	m, ok := k.macs.Get().(*mac)
	if !ok {
		m = &mac{Hash: hmac.New(sha256.New, k.secret[:])}
	}
	defer k.macs.Put(m)
	m.Reset()
	m.Write(text)
	hex.Encode(m.digits[:], m.Sum(m.sum[:0]))
	return len(value) == len(m.digits) && subtle.ConstantTimeCompare(m.digits[:], []byte(value)) == 1
}

// keyCache keeps derived keys: there is one for each key id, day, region and
// service in use. It is emptied when it is full, which a day's end also needs.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyScope]*signingKey
}

const maxCachedKeys = 1024

func (c *keyCache) get(creds *Credentials, s *Signature) *signingKey {
	k := keyScope{id: creds.AccessKeyID, secret: creds.SecretAccessKey, algorithm: s.Algorithm}
	if s.Algorithm == HMAC {
		k.date, k.region, k.service = s.Date, s.Region, s.Service
	}
	c.mu.RLock()
	key := c.keys[k]
	c.mu.RUnlock()
	if key != nil {
		return key
	}
	key = deriveKey(k)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxCachedKeys {
		c.keys = map[keyScope]*signingKey{}
	}
	c.keys[k] = key
	return key
}

func deriveKey(k keyScope) *signingKey {
	if k.algorithm == ECDSA {
		return &signingKey{public: &derivePrivateKey(k.id, k.secret).PublicKey}
	}
	sum := sum256([]byte("AWS4"+k.secret), k.date)
	for _, part := range [...]string{k.region, k.service, terminator} {
		sum = sum256(sum[:], part)
	}
	return &signingKey{secret: sum}
}

// sum256 is the HMAC-SHA256 of text.
func sum256(key []byte, text string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	h.Sum(sum[:0])
	return sum
}

// derivePrivateKey makes the P-256 key of SigV4A from a secret: candidates are
// drawn with the counter-mode KDF of NIST SP 800-108 until one is in range
// (FIPS 186-4 appendix B.4.2). All but one in 2^32 secrets need one candidate only.
func derivePrivateKey(id, secret string) *ecdsa.PrivateKey {
	const bits = 256
	// fixed input: counter i of the KDF, label, 0, context, length in bits
	input := binary.BigEndian.AppendUint32(nil, 1)
	input = append(input, algorithmECDSA...)
	input = append(input, 0)
	input = append(input, id...)
	input = append(input, 0) // the external counter
	external := len(input) - 1
	input = binary.BigEndian.AppendUint32(input, bits)
	for counter := byte(1); ; counter++ {
		input[external] = counter
		candidate := sum256([]byte("AWS4A"+secret), string(input))
		if private, ok := keyAfter(candidate); ok {
			return private
		}
		if counter == 254 {
			// 254 candidates out of range have a probability of 2^-8128.
			panic("auth: no SigV4A key can be derived")
		}
	}
}

// keyAfter is the key candidate+1, if the candidate is not above N-2.
func keyAfter(candidate [32]byte) (*ecdsa.PrivateKey, bool) {
	limit := elliptic.P256().Params().N.Bytes()
	limit[31] -= 2 // N ends in 0x51
	above, below := 0, 0
	for i := range limit { // constant time
		x, y := int(candidate[i]), int(limit[i])
		undecided := 1 - (above | below)
		above |= undecided & subtle.ConstantTimeLessOrEq(y+1, x)
		below |= undecided & subtle.ConstantTimeLessOrEq(x+1, y)
	}
	if above == 1 {
		return nil, false
	}
	carry := uint(1)
	for i := 31; i >= 0; i-- {
		sum := uint(candidate[i]) + carry
		candidate[i], carry = byte(sum), sum>>8
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), candidate[:])
	return private, err == nil
}
