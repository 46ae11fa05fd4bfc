package report

import (
	"fmt"
	"math"
	"strings"

	"harness/results"
)

// SourceTexts tell, for each study that this one builds on, what became of it.
func (f Front) SourceTexts() []string {
	var texts []string
	for _, u := range f.From {
		texts = append(texts, u.Study+": "+f.sourceText(u))
	}
	return texts
}

func (f Front) sourceText(u results.SourceUse) string {
	if len(u.Differs) == 0 {
		return fmt.Sprintf("its %s count as measured here", Plural(u.Points, "point"))
	}
	of := "a prior, since it differs in " + strings.Join(u.Differs, ", ") + ": "
	if math.IsNaN(u.Correlation[0]) && math.IsNaN(u.Correlation[1]) {
		return of + fmt.Sprintf("not made use of yet, for too little can be compared (%s of it can be read here)", Plural(u.Points, "point"))
	}
	var parts []string
	for k, o := range f.Aim.Objectives {
		verdict := "dropped"
		if u.Kept[k] {
			verdict = "kept"
		}
		parts = append(parts, fmt.Sprintf("%s for %s (rank correlation %s)", verdict, Label(o), correlation(u.Correlation[k])))
	}
	return of + strings.Join(parts, ", ") + fmt.Sprintf(" over %s", Plural(u.Compared, "point"))
}

func correlation(c float64) string {
	if math.IsNaN(c) {
		return "?"
	}
	return fmt.Sprintf("%.2f", c)
}

// SourceJSON is one study that another builds on.
type SourceJSON struct {
	Study       string              `json:"study"`
	Differs     []string            `json:"differs"` // none: its rows count as measured here
	Points      int                 `json:"points"`
	Compared    int                 `json:"compared"`
	Correlation map[string]*float64 `json:"correlation"` // of ranks, by objective
	Kept        map[string]bool     `json:"kept"`
}

func (f Front) sourcesJSON() []SourceJSON {
	list := []SourceJSON{}
	for _, u := range f.From {
		s := SourceJSON{Study: u.Study, Differs: append([]string{}, u.Differs...), Points: u.Points, Compared: u.Compared,
			Correlation: map[string]*float64{}, Kept: map[string]bool{}}
		if len(u.Differs) > 0 {
			for k, o := range f.Aim.Objectives {
				s.Correlation[o.Name], s.Kept[o.Name] = known(u.Correlation[k]), u.Kept[k]
			}
		}
		list = append(list, s)
	}
	return list
}
