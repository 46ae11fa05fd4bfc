package load

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// collector is the garbage collector's settings while runs go on. They are the
// process's, and so is this: runs may overlap, and the last one restores them.
var collector struct {
	sync.Mutex
	runs    int
	percent int
	limit   int64
}

// spareHeap is what runs may allocate before the collector is let in all the same.
const spareHeap = 512 << 20

// stopCollector collects once, and then turns the garbage collector off until restore
// is called; a memory limit guards against running out.
func stopCollector() (restore func()) {
	collector.Lock()
	defer collector.Unlock()
	if collector.runs++; collector.runs == 1 {
		runtime.GC()
		used := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
		metrics.Read(used)
		collector.percent = debug.SetGCPercent(-1)
		collector.limit = debug.SetMemoryLimit(-1)
		debug.SetMemoryLimit(min(collector.limit, int64(used[0].Value.Uint64())+spareHeap))
	}
	return sync.OnceFunc(func() {
		collector.Lock()
		defer collector.Unlock()
		if collector.runs--; collector.runs == 0 {
			debug.SetGCPercent(collector.percent)
			debug.SetMemoryLimit(collector.limit)
		}
	})
}
