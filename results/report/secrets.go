package report

import "regexp"

// secrets are what a page must not pass on: the values of settings that are named for
// one, as servers print their arguments, and texts of the known shapes of Hugging Face's
// and OpenAI's tokens and of HTTP's bearer tokens.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`(?i)((?:api[_-]?key|(?:hf|auth|access|bearer)[_-]?token|password|passwd|secret(?:[_-]?key)?)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;)}\]]+)`),
	regexp.MustCompile(`(?i)(--[a-z-]*(?:api-key|token|password|secret)[ =])(\S+)`),
	regexp.MustCompile(`(?i)(bearer )([a-z0-9._~+/=-]{8,})`),
	regexp.MustCompile(`()(\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}))`),
}

// unset are values that hide nothing.
var unset = regexp.MustCompile(`^(?:None|null|nil|''|""|\*\*\*|)$`)

// masked replaces secrets in a text by "***".
func masked(text string) string {
	for _, s := range secrets {
		text = s.ReplaceAllStringFunc(text, func(found string) string {
			parts := s.FindStringSubmatch(found)
			if unset.MatchString(parts[2]) {
				return found
			}
			return parts[1] + "***"
		})
	}
	return text
}
