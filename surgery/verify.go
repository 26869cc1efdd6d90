package surgery

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/detox-surgery/detox-surgery/gguf"
	"github.com/detox-surgery/detox-surgery/gguf/quant"
	"github.com/detox-surgery/detox-surgery/surgery/edit"
	"github.com/detox-surgery/detox-surgery/train/model"
)

// verify checks a written file against its parent: the same tensors in the same
// order, types kept unless retyped, and every tensor that the edit does not name
// byte for byte the same.
func verify(parent, written *gguf.File, e *edit.Edit, retyped bool) error {
	if len(parent.Tensors) != len(written.Tensors) {
		return fmt.Errorf("%w: %d tensors, the parent has %d", ErrVerify, len(written.Tensors), len(parent.Tensors))
	}
	for i, t := range parent.Tensors {
		w := written.Tensors[i]
		role, known := model.RoleOfTensor(t.Name)
		touched := known && e.Parts[role] != nil
		switch {
		case w.Name != t.Name:
			return fmt.Errorf("%w: tensor %d is %q, in the parent %q", ErrVerify, i, w.Name, t.Name)
		case w.Type != t.Type && (!touched || !retyped):
			return fmt.Errorf("%w: %s is %v, in the parent %v", ErrVerify, t.Name, w.Type, t.Type)
		case !touched && !bytes.Equal(w.Raw(), t.Raw()):
			return fmt.Errorf("%w: %s was not edited and differs", ErrVerify, t.Name)
		}
	}
	for _, kv := range parent.KV {
		if _, ok := written.Get(kv.Key); !ok {
			return fmt.Errorf("%w: metadata key %q is missing", ErrVerify, kv.Key)
		}
	}
	return nil
}

// editedType is the tensor type of a name, if it can be written.
func editedType(name string) (quant.Type, bool) {
	t, ok := quant.Parse(strings.ToUpper(name))
	return t, ok && t.CanEncode()
}
