package space

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	yamlparser "github.com/goccy/go-yaml/parser"
	yamltoken "github.com/goccy/go-yaml/token"
)

// A document reads one YAML file strictly: by tables of the keys that may stand
// at each place. It goes on after an error, so that all of them are told at once,
// each with file, line and excerpt.
type document struct {
	file  string
	lines []string
	errs  []fileError
	later []func() // readers put off to the end of the file
}

type fileError struct {
	line, column int // from 1
	msg          string
}

// openDocument parses the YAML. Its only error is one of syntax.
func openDocument(file string, data []byte) (*document, ast.Node) {
	d := &document{file: file, lines: strings.Split(string(data), "\n")}
	f, err := yamlparser.ParseBytes(data, 0)
	if err != nil {
		line, column, msg := 1, 1, err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil {
			line, column, msg = syntax.Token.Position.Line, syntax.Token.Position.Column, syntax.Message
		}
		d.failAt(line, column, msg)
		return d, nil
	}
	var body ast.Node
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			d.fail(doc.Body, "a second document: a spec is one")
			break
		}
		body = doc.Body
	}
	if body == nil {
		d.failAt(1, 1, "no YAML in the file")
	}
	return d, body
}

func (d *document) failAt(line, column int, msg string) {
	d.errs = append(d.errs, fileError{line, column, msg})
}

func (d *document) fail(n ast.Node, format string, args ...any) {
	p := n.GetToken().Position
	d.failAt(p.Line, p.Column, fmt.Sprintf(format, args...))
}

// err joins what was found, in file order; nil if nothing was.
func (d *document) err() error {
	slices.SortStableFunc(d.errs, func(a, b fileError) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	var all []error
	for _, e := range d.errs {
		text := fmt.Sprintf("%s:%d:%d: %s", d.file, e.line, e.column, e.msg)
		if e.line <= len(d.lines) {
			text += "\n" + excerpt(d.lines[e.line-1], e.column)
		}
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
}

// excerpt shows the part of a line around a column, with a caret below it.
func excerpt(line string, column int) string {
	const width = 100
	runes := []rune(strings.ReplaceAll(line, "\t", " "))
	at := min(max(column-1, 0), len(runes))
	from := max(0, at-width/2)
	to := min(len(runes), from+width)
	return fmt.Sprintf("    %s\n    %*s", string(runes[from:to]), at-from+1, "^")
}

// A reader stores one YAML node somewhere, or reports why it cannot.
type reader func(n ast.Node)

// fields reads a mapping by a table of its keys. What names the thing in errors.
func (d *document) fields(n ast.Node, what string, table map[string]reader, required ...string) {
	seen := map[string]bool{}
	d.entries(n, what, func(key ast.Node, name string, value ast.Node) {
		seen[name] = true
		if read, ok := table[name]; ok {
			read(value)
			return
		}
		known := slices.Sorted(maps.Keys(table))
		d.fail(key, "unknown key %s in %s%s", name, what, didYouMean(name, known))
	})
	for _, name := range required {
		if !seen[name] {
			d.fail(n, "%s needs the key %s", what, name)
		}
	}
}

// entries visits a mapping in file order.
func (d *document) entries(n ast.Node, what string, visit func(key ast.Node, name string, value ast.Node)) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.NullNode:
	default:
		d.fail(n, "%s must be a mapping (key: value), not %s", what, describe(n))
		return
	}
	for _, p := range pairs {
		visit(p.Key, p.Key.GetToken().Value, p.Value)
	}
}

// items visits a list.
func (d *document) items(what string, visit reader) reader {
	return func(n ast.Node) {
		switch n := n.(type) {
		case *ast.SequenceNode:
			for _, item := range n.Values {
				visit(item)
			}
		case *ast.NullNode:
		default:
			d.fail(n, "%s must be a list, not %s", what, describe(n))
		}
	}
}

// value reads a scalar; none and null are none.
func (d *document) value(dst *Value) reader {
	return func(n ast.Node) {
		switch n := n.(type) {
		case *ast.NullNode:
			*dst = None()
		case *ast.BoolNode:
			*dst = Bool(n.Value)
		case *ast.IntegerNode, *ast.FloatNode:
			*dst = ParseValue(strings.ReplaceAll(n.GetToken().Value, "_", ""))
			if _, ok := dst.AsFloat(); !ok {
				d.fail(n, "%s is not a decimal number", n.GetToken().Value)
			}
		case *ast.StringNode:
			*dst = String(n.Value)
			if n.Value == "none" {
				*dst = None()
			}
		case *ast.LiteralNode:
			*dst = String(n.Value.Value)
		default:
			d.fail(n, "want one value, not %s", describe(n))
		}
	}
}

func (d *document) values(dst *[]Value) reader {
	return d.items("values", func(n ast.Node) {
		var v Value
		d.value(&v)(n)
		*dst = append(*dst, v)
	})
}

// text reads any scalar as it is written.
func (d *document) text(dst *string) reader {
	return func(n ast.Node) {
		var v Value
		before := len(d.errs)
		d.value(&v)(n)
		if len(d.errs) > before {
			return
		}
		if *dst = v.text; v.kind != kindString {
			*dst = n.GetToken().Value
		}
	}
}

func (d *document) texts(what string, dst *[]string) reader {
	return d.items(what, func(n ast.Node) {
		var s string
		d.text(&s)(n)
		*dst = append(*dst, s)
	})
}

func (d *document) textMap(what string, dst *map[string]string) reader {
	return func(n ast.Node) {
		*dst = map[string]string{}
		d.entries(n, what, func(_ ast.Node, name string, value ast.Node) {
			var s string
			d.text(&s)(value)
			(*dst)[name] = s
		})
	}
}

func (d *document) boolean(dst *bool) reader {
	return func(n ast.Node) {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.fail(n, "want true or false, not %s", describe(n))
			return
		}
		*dst = b.Value
	}
}

func (d *document) number(dst *float64) reader {
	return func(n ast.Node) {
		var v Value
		d.value(&v)(n)
		f, ok := v.AsFloat()
		if !ok {
			d.fail(n, "want a number, not %s", describe(n))
		}
		*dst = f
	}
}

func (d *document) integer(dst *int) reader {
	return func(n ast.Node) {
		var v Value
		d.value(&v)(n)
		i, ok := v.AsInt()
		if !ok {
			d.fail(n, "want an integer, not %s", describe(n))
		}
		*dst = int(i)
	}
}

// describe names a node in an error.
func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "a YAML anchor, alias or tag"
	case *ast.NullNode:
		return "nothing"
	}
	return fmt.Sprintf("%q", n.GetToken().Value)
}

// A formula is an expression of a spec and where it stands in the file.
type formula struct {
	text         string
	line, column int
	*expr
}

// formula reads an expression. A YAML number, bool or null is a literal.
func (d *document) formula(dst *formula) reader {
	return func(n ast.Node) {
		d.text(&dst.text)(n)
		tok := n.GetToken()
		dst.line, dst.column = tok.Position.Line, tok.Position.Column
		if tok.Type == yamltoken.SingleQuoteType || tok.Type == yamltoken.DoubleQuoteType {
			dst.column++
		}
		e, err := parseExpr(dst.text)
		if err != nil {
			bad := err.(*exprError)
			d.failFormula(dst, bad.pos, "%s", bad.msg)
			return
		}
		dst.expr = e
	}
}

func (d *document) failFormula(f *formula, pos int, format string, args ...any) {
	d.failAt(f.line, f.column+pos, fmt.Sprintf(format, args...))
}
