package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"harness/gpu"
)

// simulatedGPUs reads what the simulated server says of its GPUs. As long as there is
// no server, they read as the source says that they are without one.
type simulatedGPUs struct {
	gpu.Source
	url atomic.Pointer[string]
}

// serve tells where the server is, once there is one.
func (s *simulatedGPUs) serve(url string) {
	if s != nil {
		s.url.Store(&url)
	}
}

// simClient has a bound of its own: a simulated server may be made to hang.
var simClient = &http.Client{Timeout: time.Second}

// Read implements gpu.Source.
func (s *simulatedGPUs) Read(into []gpu.Reading) error {
	url := s.url.Load()
	if url == nil {
		return s.Source.Read(into)
	}
	said, err := askSimulated(*url + "/simulated_gpus")
	if err != nil || len(said) == 0 {
		return nil // it has ended, or hangs: nothing is known
	}
	for i := range into {
		for name, value := range said[min(i, len(said)-1)] {
			into[i].Set(name, value)
		}
	}
	return nil
}

// askSimulated is what a simulated server says of each of its GPUs.
func askSimulated(url string) ([]map[string]float64, error) {
	answer, err := simClient.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	var said []map[string]float64
	return said, json.NewDecoder(answer.Body).Decode(&said)
}
