//go:build !purego

#include "textflag.h"

// func pause()
TEXT ·pause(SB), NOSPLIT, $0-0
	MOVL $64, AX
again:
	PAUSE
	DECL AX
	JNE  again
	RET
