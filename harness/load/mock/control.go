package mock

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
)

// control answers what is no request for tokens: the status and a JSON value.
func control(method, path string, body []byte) (status int, value any) {
	switch path {
	case "/health", "/health_generate", "/ping":
		return 200, map[string]any{"status": "ok"}
	case "/v1/models":
		model := map[string]any{"id": "mock", "object": "model", "created": 1700000000, "owned_by": "mock", "root": "mock", "max_model_len": maxTokens}
		return 200, map[string]any{"object": "list", "data": []any{model}}
	case "/model_info", "/get_model_info":
		return 200, map[string]any{"model_path": "mock", "tokenizer_path": "mock", "is_generation": true}
	case "/server_info", "/get_server_info":
		return 200, map[string]any{"model_path": "mock", "version": "mock", "internal_states": []any{map[string]any{}}}
	case "/version":
		return 200, map[string]any{"version": "mock"}
	case "/props":
		return 200, map[string]any{"model_path": "mock", "default_generation_settings": map[string]any{"n_ctx": maxTokens}, "total_slots": 1}
	case "/flush_cache", "/reset_prefix_cache", "/start_profile", "/stop_profile":
		return 200, map[string]any{"success": true}
	case "/tokenize":
		return tokenize(body)
	}
	return 404, failure(fmt.Sprintf("%s %s: no such endpoint", method, path))
}

// tokenize answers in the shapes of vLLM, SGLang (prompt) and llama.cpp (content): a
// token for each word.
func tokenize(body []byte) (status int, value any) {
	var in struct{ Prompt, Content string }
	if err := json.Unmarshal(body, &in); err != nil {
		return 400, failure("request body: " + err.Error())
	}
	ids := []uint32{}
	for w := range strings.FieldsSeq(cmp.Or(in.Prompt, in.Content)) {
		ids = append(ids, crc32.ChecksumIEEE([]byte(w))%32000)
	}
	return 200, map[string]any{"tokens": ids, "count": len(ids), "max_model_len": maxTokens}
}

// failure is an error in the shape that all of the APIs share.
func failure(message string) any {
	return map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error"}}
}

// response is a whole HTTP response with a JSON body.
func response(status int, value any) []byte {
	body, ok := value.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(value); err != nil {
			status, body = 500, []byte(`{"error":{"message":"not JSON"}}`)
		}
	}
	reason := map[int]string{200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 500: "Internal Server Error", 503: "Service Unavailable"}[status]
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nServer: mock\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", status, reason, len(body))
	return append([]byte(head), body...)
}
