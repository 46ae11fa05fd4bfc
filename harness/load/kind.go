package load

// A ChunkKind is what one event of an answer brought. Its number is stored: new
// kinds go to the end.
type ChunkKind uint8

const (
	KindEmpty     ChunkKind = iota // a choice without text, or with text that completes a token already counted
	KindRole                       // Chat's first delta: a role, and no text
	KindReasoning                  // reasoning text, and no visible one
	KindContent                    // visible text
	KindTool                       // a tool call, and no text
	KindFinish                     // a finish reason, and no text
	KindUsage                      // token counts, and no choice
	KindDone                       // [DONE]
	KindComment                    // a comment line: a keep-alive
	KindError                      // an error in the stream
)

var kindNames = [...]string{"empty", "role", "reasoning", "content", "tool", "finish", "usage", "done", "comment", "error"}

// String is the kind's name in lower case.
func (k ChunkKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Choices reports whether the event was about the answer itself: it carried a
// choice of the OpenAI formats, or what stands for one in the others.
func (k ChunkKind) Choices() bool { return k <= KindFinish }

// text reports whether the event brought a part of the answer.
func (k ChunkKind) text() bool {
	return k == KindReasoning || k == KindContent || k == KindTool
}
