package space

// ModelFacts reads facts of a model from its directory (config.json) or GGUF file.
func ModelFacts(path string) (map[string]Value, error) { panic("not yet") }
