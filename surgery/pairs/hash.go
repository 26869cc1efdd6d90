package pairs

import (
	"crypto/sha256"
	"encoding/hex"
)

// DefaultHash is the sha256 of the embedded pairs' file.
func DefaultHash() string {
	h := sha256.Sum256(defaultFile)
	return hex.EncodeToString(h[:])
}
