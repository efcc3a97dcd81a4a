package storage

// Key builds a key of parts that sorts as the parts do: by the first, then
// the second, and so on; a key that is the beginning of another sorts first.
// Parts of different kinds in one position sort by kind. It is used as
//
//	storage.Key{}.String("ddb").String(account).String(region).Uint64(7)
//
// Every method returns a longer key and leaves the receiver's content alone.
type Key []byte
