// A library in Go, built with -buildmode=c-shared: its runtime takes SIGURG, by which it stops goroutines in loops.
package main

/*
typedef int (*callback)(int);
static int call(void *f, int n) { return ((callback)f)(n); }
*/
import "C"

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

var spins int32

// GoStop ends what spins, GoGo lets it spin again.
//
//export GoStop
func GoStop() { atomic.StoreInt32(&spins, 0) }

//export GoGo
func GoGo() { atomic.StoreInt32(&spins, 1) }

// GoSpin is a loop that only a signal can stop.
//
//export GoSpin
func GoSpin() {
	for atomic.LoadInt32(&spins) != 0 {
	}
}

// GoSpinShortly is the same for some ten milliseconds.
//
//export GoSpinShortly
func GoSpinShortly() {
	for i := 0; i < 10000000 && atomic.LoadInt32(&spins) != 0; i++ {
	}
}

// GoBusy starts n goroutines in such loops.
//
//export GoBusy
func GoBusy(n C.int) {
	for i := 0; i < int(n); i++ {
		go GoSpin()
	}
}

// GoCollect stops the world of Go, those in loops, too.
//
//export GoCollect
func GoCollect() { runtime.GC() }

// GoCall calls f(n) on a thread of Go's, which ends with its goroutine since that keeps it.
//
//export GoCall
func GoCall(f unsafe.Pointer, n C.int) C.int {
	c := make(chan C.int)
	go func() {
		runtime.LockOSThread()
		c <- C.call(f, n)
	}()
	return <-c
}

func main() {}
