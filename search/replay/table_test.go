package replay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"harness/space"
)

func TestCells(t *testing.T) {
	for text, want := range map[string]space.Value{
		"": space.None(), " nan ": space.None(), "NA": space.None(), "N/A": space.None(), "null": space.None(), "none": space.None(),
		"4": space.Int(4), " 4 ": space.Int(4), "4.0": space.Int(4), "0.5": space.Float(0.5), "1e3": space.Int(1000),
		"fp8": space.String("fp8"), "true": space.Bool(true), "inf": space.String("inf"),
	} {
		if got := cell(text); got != want {
			t.Errorf("cell %q is %v, want %v", text, got, want)
		}
	}
}

// The same table in its three formats.
func TestReadTable(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	type row struct {
		TP      int32    `parquet:"tp"`
		Backend string   `parquet:"backend"`
		TTFT    *float64 `parquet:"ttft,optional"`
		Graph   bool     `parquet:"graph"`
		Nested  []int64  `parquet:"nested"` // left out
	}
	half := 0.5
	parquetPath := filepath.Join(dir, "t.parquet")
	if err := parquet.WriteFile(parquetPath, []row{{1, "a", &half, true, nil}, {2, "b c", nil, false, []int64{1, 2}}}); err != nil {
		t.Fatal(err)
	}
	want := &Table{Name: "t", Columns: []string{"tp", "backend", "ttft", "graph"}, rows: [][]space.Value{
		{space.Int(1), space.String("a"), space.Float(0.5), space.Bool(true)},
		{space.Int(2), space.String("b c"), space.None(), space.Bool(false)},
	}}
	byName := []cmp.Option{cmp.AllowUnexported(Table{}), cmp.Comparer(func(a, b space.Value) bool { return a == b })}
	for _, path := range []string{
		write("t.csv", "\ufefftp, backend,ttft,graph\n1,a,0.5,true\n\n2,b c,,false\n"),
		write("t.tsv", "tp\tbackend\tttft\tgraph\n1\ta\t0.5\ttrue\n2\tb c\tNaN\tfalse\n"),
		parquetPath,
	} {
		got, err := ReadTable(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, byName...); d != "" {
			t.Errorf("%s:\n%s", path, d)
		}
	}

	data, err := os.ReadFile(parquetPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{filepath.Join(dir, "missing.csv"), "no such file"},
		{write("t.xlsx", "x"), `".xlsx" is no kind of table`},
		{write("empty.csv", ""), "the file is empty"},
		{write("header.csv", "a,b\n"), "no rows"},
		{write("ragged.csv", "a,b\n1,2\n3\n"), "line 3"},
		{write("twice.csv", "a,a\n1,2\n"), `two columns are named "a"`},
		{write("unnamed.csv", "a,\n1,2\n"), "column 2 has no name"},
		{write("quote.csv", "a,b\n\"1,2\n"), "quoted-field"},
		{write("text.parquet", "a,b\n1,2\n"), "text.parquet"},
		{write("cut.parquet", string(data[:len(data)/2])), "cut.parquet"},
	} {
		if _, err := ReadTable(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.path, err, tt.want)
		}
	}
}

// Whatever a file holds, it is refused or becomes a problem that can be searched.
func FuzzCSV(f *testing.F) {
	f.Add("a,b,x,y\n1,2,3,4\n2,1,4,3\n")
	f.Add("a,b,x,y\n1,,3,nan\n2,u,inf,-3\n1,,0,4\n")
	f.Add("\ufeffa,b,x,y\n\"1\",1e400,-0,1e-320\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parseCSV(strings.NewReader(text), ',')
		if err != nil || table.check() != nil || len(table.rows) > 100 {
			return
		}
		p, err := NewProblem(table, Columns{Params: []string{"a", "b"}, Minimise: []string{"x"}, Maximise: []string{"y"}})
		if err != nil {
			return
		}
		runs, err := p.Run(t.Context(), Options{Methods: []string{"random"}, Seeds: 1, Budget: 100, Jobs: 1})
		if err != nil {
			t.Fatal(err)
		}
		last := runs[0].Asks[len(runs[0].Asks)-1]
		if len(runs[0].Asks) != p.Configs() || last.HV < 1-1e-9 || last.HV > 1+1e-9 {
			t.Errorf("%d asks of %d configs end at %v of the front", len(runs[0].Asks), p.Configs(), last.HV)
		}
	})
}
