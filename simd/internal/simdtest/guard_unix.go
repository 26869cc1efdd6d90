//go:build unix

package simdtest

import "syscall"

func guardedMemory(bytes int) (mem []byte, free func() error, err error) {
	page := syscall.Getpagesize()
	size := max(1, (bytes+page-1)/page) * page
	all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	free = func() error { return syscall.Munmap(all) }
	for _, guard := range [][]byte{all[:page], all[page+size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			return nil, nil, err
		}
	}
	return all[page : page+size : page+size], free, nil
}
