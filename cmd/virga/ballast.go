package main

// ballastSize is about how much garbage there may be before it is collected,
// besides as much as there is alive.
const ballastSize = 32 << 20

// ballast is memory that is never touched, and so takes none: the system gives
// pages where they are written. To Go's collector it is alive, and that runs
// when as much has been allocated as is alive. A server that holds little would
// else collect hundreds of times in a second of work, with a fifth of its time.
// A server that holds much does not notice it.
func ballast() []byte { return make([]byte, ballastSize) }
