package report

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// logBudget bounds the logs of a page, and logMost and logLeast those of one trial.
const (
	logBudget = 600_000
	logMost   = 4000
	logLeast  = 300
)

// tail reads the last bytes of a file, whole lines of them; "" where there is none.
func tail(path string, most int64) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	from := max(0, info.Size()-most)
	text, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if err != nil {
		return "", err
	}
	return lastLines(string(text), from > 0), nil
}

// lastLines drops a first line that was cut.
func lastLines(text string, cut bool) string {
	if _, rest, ok := strings.Cut(text, "\n"); cut && ok {
		return rest
	}
	return text
}

// escapes are the control sequences of terminals: ECMA-48's CSI, OSC and the two-letter
// ones.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\^_])")

// plainText makes what a server wrote fit to be shown: no secret, no control sequence, no control
// character but line breaks and tabs, valid UTF-8, and of lines that were overwritten,
// as progress bars are, the last state.
func plainText(log string) string {
	log = strings.ReplaceAll(strings.ToValidUTF8(escapes.ReplaceAllString(log, ""), "\uFFFD"), "\r\n", "\n")
	lines := strings.Split(log, "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		lines[i] = line[strings.LastIndex(line, "\r")+1:]
	}
	return masked(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return '\uFFFD'
		}
		return r
	}, strings.Join(lines, "\n")))
}
