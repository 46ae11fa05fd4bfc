package bench

import (
	"strings"

	"math"

	"harness/harness/load"
	"harness/results"
	"harness/results/stat"
)

// RequestRows are the rows of a run's records. base holds what all of them share:
// identifiers, API, Simulated.
func RequestRows(base results.Request, records []load.Record) []results.Request {
	rows := make([]results.Request, len(records))
	for i := range records {
		rows[i] = requestRow(base, &records[i])
	}
	return rows
}

func requestRow(row results.Request, r *load.Record) results.Request {
	row.Request, row.Status, row.FailureClass, row.Error, row.FinishReason = int32(r.Index), int32(r.Status), r.Class, r.Error, r.FinishReason
	for _, t := range times(&row, r) {
		*t.row = *t.record
	}
	row.ConnReused, row.Reads = r.ConnReused, int32(r.Reads)
	row.PromptTokens, row.OutputTokens, row.CachedTokens = int32(r.PromptTokens), int32(r.OutputTokens), int32(r.CachedTokens)
	row.Requested = int32(r.RequestedTokens)
	for k, ns := range r.ChunkNS {
		kind, read := int32(r.ChunkKind[k]), r.ChunkRead[k]
		if r.HasTokens(k) {
			row.ChunkNS, row.ChunkTokens = append(row.ChunkNS, ns), append(row.ChunkTokens, r.ChunkTokens[k])
			row.ChunkKind, row.ChunkRead = append(row.ChunkKind, kind), append(row.ChunkRead, read)
			if len(r.ChunkUserNS) > 0 {
				row.ChunkUserNS = append(row.ChunkUserNS, r.ChunkUserNS[k])
			}
			continue
		}
		row.EventNS, row.EventKind = append(row.EventNS, ns), append(row.EventKind, kind)
		row.EventRead, row.EventAt = append(row.EventRead, read), append(row.EventAt, int32(k))
		if len(r.ChunkUserNS) > 0 {
			row.EventUserNS = append(row.EventUserNS, r.ChunkUserNS[k])
		}
	}
	return row
}

// Records are what RequestRows wrote, but for the answers' text.
func Records(rows []results.Request) []load.Record {
	records := make([]load.Record, len(rows))
	for i := range rows {
		records[i] = record(&rows[i])
	}
	return records
}

func record(row *results.Request) load.Record {
	r := load.Record{
		Index: int(row.Request), Status: int(row.Status), Class: row.FailureClass, Error: row.Error, FinishReason: row.FinishReason,
		ConnReused: row.ConnReused, Reads: int(row.Reads), RequestedTokens: int(row.Requested),
		PromptTokens: int(row.PromptTokens), OutputTokens: int(row.OutputTokens), CachedTokens: int(row.CachedTokens),
	}
	for _, t := range times(row, &r) {
		*t.record = *t.row
	}
	chunk, other := 0, 0
	for k := range len(row.ChunkNS) + len(row.EventNS) {
		if other < len(row.EventAt) && int(row.EventAt[other]) == k {
			r.ChunkNS, r.ChunkTokens = append(r.ChunkNS, row.EventNS[other]), append(r.ChunkTokens, 0)
			r.ChunkKind, r.ChunkRead = append(r.ChunkKind, load.ChunkKind(row.EventKind[other])), append(r.ChunkRead, row.EventRead[other])
			if len(row.EventUserNS) > 0 {
				r.ChunkUserNS = append(r.ChunkUserNS, row.EventUserNS[other])
			}
			other++
			continue
		}
		r.ChunkNS, r.ChunkTokens = append(r.ChunkNS, row.ChunkNS[chunk]), append(r.ChunkTokens, row.ChunkTokens[chunk])
		r.ChunkKind, r.ChunkRead = append(r.ChunkKind, load.ChunkKind(row.ChunkKind[chunk])), append(r.ChunkRead, row.ChunkRead[chunk])
		if len(row.ChunkUserNS) > 0 {
			r.ChunkUserNS = append(r.ChunkUserNS, row.ChunkUserNS[chunk])
		}
		chunk++
	}
	return r
}

// times pairs the columns of a row with the events of a record.
func times(row *results.Request, r *load.Record) []struct{ row, record *int64 } {
	return []struct{ row, record *int64 }{
		{&row.SchedNS, &r.SchedNS}, {&row.DispatchNS, &r.DispatchNS}, {&row.ConnReadyNS, &r.ConnReadyNS}, {&row.SendNS, &r.SendNS},
		{&row.WrittenNS, &r.WrittenNS}, {&row.HeadersNS, &r.HeadersNS}, {&row.FirstByteNS, &r.FirstByteNS}, {&row.FirstEventNS, &r.FirstChoicesNS},
		{&row.FirstTokenNS, &r.FirstTokenNS}, {&row.VisibleNS, &r.FirstVisibleNS}, {&row.LastTokenNS, &r.LastTokenNS}, {&row.LastEventNS, &r.LastChoicesNS},
		{&row.FinishNS, &r.FinishNS}, {&row.UsageNS, &r.UsageNS}, {&row.DoneNS, &r.DoneNS},
	}
}

// runRow is what a run came to: all but its keys, times and validity.
func runRow(point Point, s load.Summary, shared int64, result *load.Result) results.Run {
	client := result.Client
	q := stat.Quantile
	row := results.Run{
		LoadPoint: point.LoadPoint(), Concurrency: int32(point.Concurrency),
		DurationS: s.DurationSeconds, Requests: int32(s.Requests + s.Unsent), Failures: int32(s.Failed), Unsent: int32(s.Unsent),
		PromptTokens: s.PromptTokens, OutputTokens: s.OutputTokens, CachedTokens: s.CachedTokens, SharedTokens: shared,
		OutputTPS: s.OutputTPS, TotalTPS: s.TotalTPS, RequestRPS: s.RequestRPS,
		SteadyS: s.Steady.ToSeconds - s.Steady.FromSeconds, SteadyTPS: s.Steady.OutputTPS,
		TTFTMeanS: stat.Mean(s.TTFTSeconds), TTFTP50S: q(s.TTFTSeconds, 0.5), TTFTP90S: q(s.TTFTSeconds, 0.9), TTFTP99S: q(s.TTFTSeconds, 0.99),
		TPOTMeanS: stat.Mean(s.TPOTSeconds), TPOTP50S: q(s.TPOTSeconds, 0.5), TPOTP90S: q(s.TPOTSeconds, 0.9), TPOTP99S: q(s.TPOTSeconds, 0.99),
		ITLP50S: q(s.ITLSeconds, 0.5), ITLP99S: q(s.ITLSeconds, 0.99),
		E2EP50S: q(s.E2ESeconds, 0.5), E2EP99S: q(s.E2ESeconds, 0.99),
		ClientCPUS: client.CPUSeconds, ClientStamps: client.Stamps,
		ClientErrorP99: clientError(client), ClientLagP99: client.LagP99Seconds, ClientFaults: strings.Join(result.Faults(), "; "),
	}
	if point.Rate > 0 {
		row.Rate = &point.Rate
	}
	if s.CachedSaid == 0 {
		row.CachedTokens = -1
	}
	return row
}

// sharedTokens are those that prompts have in common by design, of the requests
// that succeeded: all that was said before, of a later turn. -1 is not known.
func sharedTokens(prompts []load.Prompt, records []load.Record) int64 {
	sum := int64(0)
	for i := range records {
		switch p := prompts[i]; {
		case !records[i].OK():
		case p.SharedTokens < 0:
			return -1
		case p.AppendAnswer:
			before := &records[p.After-1]
			sum += int64(before.PromptTokens + before.OutputTokens)
		default:
			sum += int64(p.SharedTokens)
		}
	}
	return sum
}

// clientError is what the load generator may have added to a stamp, in seconds.
func clientError(c load.Client) float64 {
	if c.Canaries == 0 {
		return math.NaN()
	}
	return c.ErrorP99Seconds
}
