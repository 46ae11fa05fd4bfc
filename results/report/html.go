package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"io/fs"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// scripts are the page's, in the order in which they are joined.
var scripts = []string{"text.js", "plot.js", "front.js", "trial.js", "curves.js", "effects.js", "trials.js", "main.js"}

// pageParts are what every page has.
type pageParts struct {
	html          *template.Template
	style, script string
}

func readParts() (pageParts, error) {
	var p pageParts
	html, err := fs.ReadFile(pageFiles, "page/index.html")
	if err != nil {
		return p, err
	}
	style, err := fs.ReadFile(pageFiles, "page/style.css")
	if err != nil {
		return p, err
	}
	var script strings.Builder
	script.WriteString("'use strict';\n(() => {\n")
	for _, name := range scripts {
		text, err := fs.ReadFile(pageFiles, "page/"+name)
		if err != nil {
			return p, err
		}
		script.Write(text)
	}
	script.WriteString("})();\n")
	p.style, p.script = string(style), script.String()
	p.html, err = template.New("page").Parse(string(html))
	return p, err
}

// policy allows the page its own style and script, by their hashes, and nothing else: no
// request to any host, but to the one that serves it where it is live.
func (p pageParts) policy(live bool) string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src " + hash(p.style) + "; script-src " + hash(p.script)
	if live {
		policy += "; connect-src 'self'"
	}
	return policy
}

// HTML writes the page: one file that needs no other, and no network.
func (p Page) HTML(w io.Writer) error {
	parts, err := readParts()
	if err != nil {
		return err
	}
	doc, warnings := p.document()
	data, err := json.Marshal(doc) // with <, > and & as \u escapes, so that no text of it ends the script
	if err != nil {
		return err
	}
	v := p.view(append(p.Warnings, warnings...))
	v.CSP, v.Style, v.Script, v.Data = parts.policy(p.Live != ""), template.CSS(parts.style), template.JS(parts.script), template.JS(data)
	v.Written = time.Now().UTC().Format("2006-01-02 15:04 UTC")
	var out bytes.Buffer // so that nothing is written where it fails
	if err := parts.html.Execute(&out, v); err != nil {
		return err
	}
	_, err = out.WriteTo(w)
	return err
}
