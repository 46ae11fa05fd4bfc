package export

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// config writes the engine's own config file, in YAML.
func config(w io.Writer, d Deployment) error {
	if d.ConfigUse == "" {
		return errors.New("--as yaml: this engine reads no config file of its own: take --as shell")
	}
	d.comments(w, "#")
	fmt.Fprintf(w, "# %s\n", d.ConfigUse)
	var doc yaml.MapSlice
	for _, s := range d.Config {
		v := s.Value
		if v == nil {
			v = true
		}
		doc = append(doc, yaml.MapItem{Key: s.Name, Value: v})
	}
	return encode(w, doc)
}

func encode(w io.Writer, v any) error {
	text, err := yaml.MarshalWithOptions(v, yaml.IndentSequence(true))
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// Settings turns the flags of a command line into options of a config file: the values
// behind a flag are its own, several of them a list. Flags with a secret are left out.
func Settings(flags []Word) []Setting {
	var list []Setting
	for i := 0; i < len(flags); {
		name := strings.TrimLeft(flags[i].Text, "-")
		secret := flags[i].Secret != ""
		var values []any
		if key, value, joined := strings.Cut(name, "="); joined {
			name, values = key, append(values, scalar(value))
		}
		for i++; i < len(flags) && !isFlag(flags[i].Text); i++ {
			values = append(values, scalar(flags[i].Text))
			secret = secret || flags[i].Secret != ""
		}
		switch {
		case secret:
		case len(values) == 0:
			list = append(list, Setting{Name: name})
		case len(values) == 1:
			list = append(list, Setting{name, values[0]})
		default:
			list = append(list, Setting{name, values})
		}
	}
	return list
}

// isFlag tells a flag from a value, which may be a negative number.
func isFlag(text string) bool {
	if !strings.HasPrefix(text, "-") || text == "-" {
		return false
	}
	_, err := strconv.ParseFloat(text, 64)
	return err != nil
}

// scalar keeps a number a number.
func scalar(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return text
}
