//go:build !unix

package simdtest

func guardedMemory(bytes int) (mem []byte, free func() error, err error) {
	return make([]byte, bytes), func() error { return nil }, nil
}
