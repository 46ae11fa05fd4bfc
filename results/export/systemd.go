package export

import (
	"fmt"
	"io"
	"strings"
)

// systemd writes a service unit (systemd.service(5), systemd.exec(5)).
func systemd(w io.Writer, d Deployment) error {
	d.comments(w, "#")
	fmt.Fprintf(w, "[Unit]\nDescription=%s\nAfter=network-online.target\nWants=network-online.target\n\n", unitText(d.Name))
	fmt.Fprintf(w, "[Service]\nType=exec\n")
	if names := secrets(d.Argv); len(names) > 0 {
		fmt.Fprintf(w, "# holds %s, readable by root only\nEnvironmentFile=/etc/%s.env\n", strings.Join(names, " and "), d.Name)
	}
	var argv []string
	for _, a := range d.Argv {
		word := unitText(a.Text)
		if a.Secret != "" {
			word += "${" + a.Secret + "}"
		}
		if word == "" || strings.ContainsAny(word, " \t\"'\\;#") {
			word = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
		}
		if len(argv) > 0 && isFlag(a.Text) {
			word = "\\\n  " + word
		}
		argv = append(argv, word)
	}
	fmt.Fprintf(w, "ExecStart=%s\nRestart=on-failure\nRestartSec=5\nTimeoutStopSec=%.0f\nLimitNOFILE=65536\nLimitMEMLOCK=infinity\n\n", strings.Join(argv, " "), max(d.Stop, 1)+10)
	_, err := fmt.Fprint(w, "[Install]\nWantedBy=multi-user.target\n")
	return err
}

// unitText escapes what systemd expands: specifiers and variables.
func unitText(s string) string { return strings.NewReplacer("%", "%%", "$", "$$").Replace(s) }
