package space

import (
	"fmt"
	"slices"
	"strings"
)

// An expr is one node of a parsed expression. Parsing leaves only operators of
// one, two or three operands: a < b < c becomes a < b and b < c, max(a, b, c)
// nests, and `x in list` becomes comparisons once the list is known (see
// expandLists).
type expr struct {
	op    opcode
	pos   int     // byte offset in the source
	value Value   // of opLiteral
	name  string  // of opName
	entry entry   // of opName: what the name means, set by the checker
	args  []*expr // operands; the elements of opList
	rows  *rowSet // of opRows
	kinds kindSet // what it can evaluate to, set by the checker
}

type opcode uint8

const (
	opLiteral opcode = iota
	opName
	opList
	opIn
	opNot
	opNeg
	opAnd // lazy, as are opOr, opIff and opCoalesce
	opOr
	opIff
	opCoalesce
	opEq
	opNe
	opLt
	opLe
	opGt
	opGe
	opAdd
	opSub
	opMul
	opDiv
	opFloorDiv
	opMod
	opMax
	opMin
	opCeilDiv
	opRows // whether the operands are a row of a set: no source says it, see FromRows
)

var opNames = map[opcode]string{
	opIn: "in", opNot: "not", opNeg: "-", opAnd: "and", opOr: "or", opIff: "iff", opCoalesce: "coalesce",
	opEq: "==", opNe: "!=", opLt: "<", opLe: "<=", opGt: ">", opGe: ">=", opAdd: "+", opSub: "-", opMul: "*",
	opDiv: "/", opFloorDiv: "//", opMod: "%", opMax: "max", opMin: "min", opCeilDiv: "ceil_div", opRows: "rows",
}

// maxDepth bounds the nesting of an expression, so that no input can exhaust the stack.
const maxDepth = 200

// parseExpr reads one expression. Its errors are *exprError.
//
//	expr    = or
//	or      = and {"or" and}
//	and     = not {"and" not}
//	not     = "not" not | compare
//	compare = sum {("=="|"!="|"<"|"<="|">"|">="|"in"|"not" "in") sum}
//	sum     = product {("+"|"-") product}
//	product = unary {("*"|"/"|"//"|"%") unary}
//	unary   = "-" unary | primary
//	primary = number | string | none | true | false | name | call | list | "(" expr ")"
func parseExpr(src string) (*expr, error) {
	toks, err := tokenize(src)
	if err != nil {
		return nil, err
	}
	p := &parser{toks: toks}
	e := p.or()
	if p.err == nil && p.peek().kind != tokEnd {
		p.fail(p.peek(), "unexpected %s", p.peek().describe())
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

// A parser holds the rest of the tokens and the first error; after an error
// every method returns at once.
type parser struct {
	toks  []token
	depth int
	err   error
}

func (t token) describe() string {
	switch t.kind {
	case tokEnd:
		return "end of the expression"
	case tokString:
		return fmt.Sprintf("string '%s'", t.text)
	}
	return fmt.Sprintf("%q", t.text)
}

func (p *parser) peek() token { return p.toks[0] }

func (p *parser) next() token {
	t := p.toks[0]
	if t.kind != tokEnd {
		p.toks = p.toks[1:]
	}
	return t
}

// accept takes the next token if it is one of the symbols.
func (p *parser) accept(symbols ...string) (token, bool) {
	t := p.peek()
	if p.err != nil || t.kind != tokSymbol || !slices.Contains(symbols, t.text) {
		return t, false
	}
	return p.next(), true
}

func (p *parser) expect(symbol string) {
	if t, ok := p.accept(symbol); !ok {
		p.fail(t, "want %q, found %s", symbol, t.describe())
	}
}

func (p *parser) fail(t token, format string, args ...any) *expr {
	if p.err == nil {
		p.err = &exprError{t.pos, fmt.Sprintf(format, args...)}
	}
	return &expr{pos: t.pos}
}

// nest runs one level of the grammar deeper, or fails when that is too deep.
func (p *parser) nest(parse func() *expr) *expr {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek(), "nested more than %d deep: name a part of it in derived", maxDepth)
	}
	defer func() { p.depth-- }()
	return parse()
}

// binary parses operands joined by left-associative operators.
func (p *parser) binary(operand func() *expr, ops map[string]opcode, symbols ...string) *expr {
	e := operand()
	for {
		t, ok := p.accept(symbols...)
		if !ok {
			return e
		}
		e = &expr{op: ops[t.text], pos: t.pos, args: []*expr{e, operand()}}
	}
}

var binaryOps = map[string]opcode{
	"or": opOr, "and": opAnd, "+": opAdd, "-": opSub, "*": opMul, "/": opDiv, "//": opFloorDiv, "%": opMod,
	"==": opEq, "!=": opNe, "<": opLt, "<=": opLe, ">": opGt, ">=": opGe, "in": opIn,
}

func (p *parser) or() *expr { return p.nest(func() *expr { return p.binary(p.and, binaryOps, "or") }) }

func (p *parser) and() *expr { return p.binary(p.not, binaryOps, "and") }

func (p *parser) not() *expr {
	if t, ok := p.accept("not"); ok {
		return p.nest(func() *expr { return &expr{op: opNot, pos: t.pos, args: []*expr{p.not()}} })
	}
	return p.compare()
}

// compare parses a chain: each pair is compared, and all must hold.
func (p *parser) compare() *expr {
	left := p.sum()
	var chain *expr
	for {
		t, negate := p.accept("not")
		if !negate {
			var ok bool
			if t, ok = p.accept("==", "!=", "<", "<=", ">", ">=", "in"); !ok {
				break
			}
		} else {
			p.expect("in")
			t.text = "in"
		}
		right := p.sum()
		pair := &expr{op: binaryOps[t.text], pos: t.pos, args: []*expr{left, right}}
		if negate {
			pair = &expr{op: opNot, pos: t.pos, args: []*expr{pair}}
		}
		if chain == nil {
			chain = pair
		} else {
			chain = &expr{op: opAnd, pos: t.pos, args: []*expr{chain, pair}}
		}
		left = right
	}
	if chain != nil {
		return chain
	}
	return left
}

func (p *parser) sum() *expr { return p.binary(p.product, binaryOps, "+", "-") }

func (p *parser) product() *expr { return p.binary(p.unary, binaryOps, "*", "/", "//", "%") }

func (p *parser) unary() *expr {
	if t, ok := p.accept("-"); ok {
		return p.nest(func() *expr { return &expr{op: opNeg, pos: t.pos, args: []*expr{p.unary()}} })
	}
	return p.primary()
}

func (p *parser) primary() *expr {
	t := p.next()
	if p.err != nil {
		return &expr{pos: t.pos}
	}
	switch t.kind {
	case tokNumber:
		return &expr{pos: t.pos, value: t.num}
	case tokString:
		return &expr{pos: t.pos, value: String(t.text)}
	case tokName:
		switch t.text {
		case "none", "true", "false":
			return &expr{pos: t.pos, value: ParseValue(t.text)}
		}
		if _, ok := p.accept("("); ok {
			return p.call(t)
		}
		return &expr{op: opName, pos: t.pos, name: t.text}
	case tokSymbol:
		switch t.text {
		case "(":
			e := p.or()
			p.expect(")")
			return e
		case "[":
			return &expr{op: opList, pos: t.pos, args: p.list("]")}
		}
	}
	return p.fail(t, "want a value, found %s", t.describe())
}

// list parses expressions between commas up to the closing symbol.
func (p *parser) list(closing string) []*expr {
	var items []*expr
	if _, ok := p.accept(closing); ok {
		return nil
	}
	for p.err == nil {
		items = append(items, p.or())
		if _, ok := p.accept(","); !ok {
			p.expect(closing)
			break
		}
	}
	return items
}

// functions maps a name to its operator and the least and most arguments (0 = any number).
var functions = map[string]struct {
	op          opcode
	least, most int
}{
	"iff": {opIff, 3, 3}, "coalesce": {opCoalesce, 1, 0}, "max": {opMax, 1, 0}, "min": {opMin, 1, 0}, "ceil_div": {opCeilDiv, 2, 2},
}

func (p *parser) call(t token) *expr {
	f, ok := functions[t.text]
	if !ok {
		return p.fail(t, "unknown function %s: there are iff, coalesce, max, min and ceil_div", t.text)
	}
	args := p.list(")")
	if p.err != nil {
		return &expr{pos: t.pos}
	}
	if len(args) < f.least || f.most > 0 && len(args) > f.most {
		return p.fail(t, "%s takes %d arguments, not %d", t.text, f.least, len(args))
	}
	if f.most > 0 {
		return &expr{op: f.op, pos: t.pos, args: args}
	}
	e := args[len(args)-1] // from the right, so that coalesce stays lazy
	for _, a := range slices.Backward(args[:len(args)-1]) {
		e = &expr{op: f.op, pos: t.pos, args: []*expr{a, e}}
	}
	return e
}

// String writes e as source, with brackets where they may be needed.
func (e *expr) String() string {
	switch {
	case e.op == opLiteral:
		return e.value.quoted()
	case e.op == opName:
		return e.name
	case e.op == opNot:
		return "not " + e.args[0].bracketed()
	case e.op == opNeg:
		return "-" + e.args[0].bracketed()
	}
	parts := make([]string, len(e.args))
	if _, call := functions[opNames[e.op]]; call || e.op == opList {
		for i, a := range e.args {
			parts[i] = a.String()
		}
		inside := strings.Join(parts, ", ")
		if call {
			return opNames[e.op] + "(" + inside + ")"
		}
		return "[" + inside + "]"
	}
	for i, a := range e.args {
		parts[i] = a.bracketed()
	}
	return strings.Join(parts, " "+opNames[e.op]+" ")
}

func (e *expr) bracketed() string {
	if _, call := functions[opNames[e.op]]; call || e.op <= opList {
		return e.String()
	}
	return "(" + e.String() + ")"
}

// walk calls visit for e and everything below it.
func (e *expr) walk(visit func(*expr)) {
	visit(e)
	for _, a := range e.args {
		a.walk(visit)
	}
}
