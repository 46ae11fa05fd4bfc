package results

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// A study's overhead between trials: one small part each.
func BenchmarkWriteTrial(b *testing.B) {
	s := Store{Dir: b.TempDir()}
	if err := s.Create(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.WriteTrial(testTrial()); err != nil {
			b.Fatal(err)
		}
	}
}

// A large run: 50,000 requests of 100 chunks each, 64 at a time. The server emits all
// streams of a step at once, a step takes 7 ms give or take 0.2, and a stamp comes 0.03
// ms late on average; with the kernel's stamps, those of the program come 0.1 ms later
// still. Also reports the bytes that a stamp takes, all else included.
func BenchmarkWriteRun(b *testing.B) {
	for _, kind := range []string{"user", "kernel"} {
		b.Run(kind, func(b *testing.B) {
			s := Store{Dir: b.TempDir()}
			if err := s.Create(); err != nil {
				b.Fatal(err)
			}
			rows := largeRun("t0001-c64-r1", 50_000, kind == "kernel")
			b.ReportAllocs()
			for b.Loop() {
				if err := s.WriteRun(Run{RunID: "t0001-c64-r1"}, rows); err != nil {
					b.Fatal(err)
				}
			}
			info, err := os.Stat(s.part(requestsDir, "t0001-c64-r1"))
			if err != nil {
				b.Fatal(err)
			}
			stamps := 0
			for i := range rows {
				stamps += len(rows[i].ChunkNS) + len(rows[i].ChunkUserNS)
			}
			b.ReportMetric(float64(info.Size())/float64(stamps), "B/stamp")
		})
	}
}

// largeRun's stamps are whole multiples of 256 ns, as the load generator takes them.
func largeRun(id string, n int, kernel bool) []Request {
	const chunks, streams = 100, 64
	rng := rand.New(rand.NewPCG(1, 1))
	steps := make([]int64, (n/streams+1)*chunks)
	for i := range steps[1:] {
		steps[i+1] = steps[i] + 7_000_000 + int64(200e3*rng.NormFloat64())
	}
	rows := make([]Request, n)
	for i := range rows {
		r := Request{StudyID: "s", TrialID: "t0001", RunID: id, Request: int32(i)}
		for k := range chunks {
			r.ChunkNS = append(r.ChunkNS, (steps[i/streams*chunks+k]+int64(30e3*rng.ExpFloat64()))&^255)
			if kernel {
				r.ChunkUserNS = append(r.ChunkUserNS, (r.ChunkNS[k]+int64(100e3*rng.ExpFloat64()))&^255)
			}
			r.ChunkTokens = append(r.ChunkTokens, 1)
			r.ChunkKind = append(r.ChunkKind, 3)
			r.ChunkRead = append(r.ChunkRead, int32(k))
		}
		rows[i] = r
	}
	return rows
}

// largeStudy has 1,000 trials and 5,000 runs, written without regard to durability.
func largeStudy(tb testing.TB) Store {
	tb.Helper()
	s := Store{Dir: tb.TempDir()}
	if err := s.Create(); err != nil {
		tb.Fatal(err)
	}
	write := func(table, id string, data []byte, err error) {
		if err == nil {
			err = os.WriteFile(s.part(table, id), data, 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range 1000 {
		t := testTrial()
		t.TrialID, t.ConfigID, t.Outcome, t.Purpose = fmt.Sprintf("t%04d", i+1), fmt.Sprintf("config%d", i), OK, "seed"
		t.EffectiveConfig = noise(4000)
		for k := range 25 {
			t.Params = append(t.Params, Param{fmt.Sprintf("parameter_%d", k), IntColumn, rng.Int64N(8)})
		}
		data, err := trialTable.encodeRow(t)
		write(trialsDir, t.TrialID, data, err)
		ttft, tps := 0.05*(1+rng.Float64()), 1000*(1+rng.Float64())
		for k := range 5 {
			r := Run{StudyID: "s", TrialID: t.TrialID, RunID: fmt.Sprintf("%s-c16-r%d", t.TrialID, k+1), ConfigID: t.ConfigID, LoadPoint: "c16",
				Concurrency: 16, Repeat: int32(k + 1), Valid: true, StartedAt: time.Unix(1, 0).UTC(), Requests: 1,
				TTFTP50S: ttft * (1 + 0.01*rng.NormFloat64()), OutputTPS: tps * (1 + 0.01*rng.NormFloat64())}
			data, err := runTable.encodeRow(r)
			write(runsDir, r.RunID, data, err)
			data, err = encode(requestSchema, []Request{{StudyID: "s", TrialID: t.TrialID, RunID: r.RunID}}, one)
			write(requestsDir, r.RunID, data, err)
		}
	}
	return s
}

// Reading a study of 1,000 trials and 5,000 runs, and what it says of each config.
func BenchmarkReadStudy(b *testing.B) {
	s := largeStudy(b)
	read := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			trials, bad, err := s.Trials()
			if err != nil || len(bad) > 0 || len(trials) != 1000 {
				b.Fatal(err, bad, len(trials))
			}
			runs, bad, err := s.Runs()
			if err != nil || len(bad) > 0 || len(runs) != 5000 {
				b.Fatal(err, bad, len(runs))
			}
			if ms := Collect(trials, runs); len(ms) != 1000 {
				b.Fatal(len(ms))
			}
		}
	}
	b.Run("parts", read)
	b.Run("audit", func(b *testing.B) {
		runs, _, err := s.Runs()
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if bad, err := s.Audit(runs); err != nil || len(bad) > 0 {
				b.Fatal(err, bad)
			}
		}
	})
	if _, err := s.Pack(); err != nil {
		b.Fatal(err)
	}
	b.Run("packed", read)
}

// The requests of every run of a packed study: 50 runs of 1,000 requests, read by one
// Reader, and each by one of its own.
func BenchmarkPackedRequests(b *testing.B) {
	s := Store{Dir: b.TempDir()}
	if err := s.Create(); err != nil {
		b.Fatal(err)
	}
	var ids []string
	for i := range 50 {
		id := fmt.Sprintf("t0001-c64-r%d", i+1)
		ids = append(ids, id)
		rows := largeRun(id, 1000, false)
		if err := s.WriteRun(Run{StudyID: "s", TrialID: "t0001", RunID: id, Requests: int32(len(rows)), StartedAt: time.Unix(1, 0).UTC()}, rows); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.WriteTrial(Trial{StudyID: "s", TrialID: "t0001", StartedAt: time.Unix(1, 0).UTC()}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Pack(); err != nil {
		b.Fatal(err)
	}
	check := func(b *testing.B, rows []Request, err error) {
		if err != nil || len(rows) != 1000 {
			b.Fatal(len(rows), err)
		}
	}
	b.Run("one reader", func(b *testing.B) {
		for b.Loop() {
			r := s.Reader()
			for _, id := range ids {
				rows, err := r.Requests(id)
				check(b, rows, err)
			}
			r.Close()
		}
	})
	b.Run("one each", func(b *testing.B) {
		for b.Loop() {
			for _, id := range ids {
				rows, err := s.Requests(id)
				check(b, rows, err)
			}
		}
	})
}
