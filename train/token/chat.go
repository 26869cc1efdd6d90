package token

import (
	"errors"
	"fmt"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// ErrNoTemplate is returned by RenderChat for a file without a chat template.
var ErrNoTemplate = errors.New("token: the file has no chat template")

// HasChat reports whether the file has a chat template.
func (t *Tokenizer) HasChat() bool { return t.chat != "" }

// chatName is the template's name inside its own loader, which holds nothing else: a template from a
// downloaded file must not be able to include files of this machine.
const chatName = "/chat"

// RenderChat renders the conversation with the file's chat template; encode the result with EncodeSpecial. With
// addGenerationPrompt the text ends where the assistant's answer is to begin.
func (t *Tokenizer) RenderChat(msgs []Message, addGenerationPrompt bool) (text string, err error) {
	if t.chat == "" {
		return "", ErrNoTemplate
	}
	// A template is untrusted, and the interpreter panics on some that are ill formed.
	defer func() {
		if r := recover(); r != nil {
			text, err = "", fmt.Errorf("token: chat template: %v", r)
		}
	}()
	tpl, err := parseChat(t.chat)
	if err != nil {
		return "", err
	}
	turns := make(list, len(msgs))
	for i, m := range msgs {
		turns[i] = map[string]any{"role": m.Role, "content": m.Content}
	}
	vars := map[string]any{
		"messages":              turns,
		"add_generation_prompt": addGenerationPrompt,
		"bos_token":             t.name(t.vocab.bos),
		"eos_token":             t.name(t.vocab.eos),
		"raise_exception": func(msg string) (string, error) {
			return "", errors.New(msg)
		},
	}
	vars[chooseName] = func(condition, then, otherwise *exec.Value) *exec.Value {
		if condition.IsTrue() {
			return then
		}
		return otherwise
	}
	text, err = tpl.ExecuteToString(exec.NewContext(vars))
	if err != nil {
		return "", fmt.Errorf("token: chat template: %w", err)
	}
	return text, nil
}

// name is the text of a special token, "" if the vocabulary lacks it.
func (t *Tokenizer) name(id int32) string {
	if id < 0 {
		return ""
	}
	return t.vocab.text[id]
}

// parseChat compiles a template with the settings of transformers: newlines after blocks and blanks before them are dropped.
func parseChat(source string) (*exec.Template, error) {
	loader, err := loaders.NewMemoryLoader(map[string]string{chatName: rewriteInlineIf(source)})
	if err != nil {
		return nil, fmt.Errorf("token: chat template: %w", err)
	}
	c := config.New()
	c.TrimBlocks, c.LeftStripBlocks = true, true
	env := &exec.Environment{
		Context:           exec.EmptyContext().Update(builtins.GlobalFunctions).Update(builtins.GlobalVariables),
		Filters:           builtins.Filters,
		Tests:             builtins.Tests,
		ControlStructures: builtins.ControlStructures,
		Methods:           chatMethods(),
	}
	tpl, err := exec.NewTemplate(chatName, c, loader, env)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil { // gonja's own message quotes the whole template
			err = cause
		}
		return nil, fmt.Errorf("%w: chat template: %w", ErrUnsupported, err)
	}
	return tpl, nil
}
