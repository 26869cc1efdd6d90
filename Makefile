# Two commands do everything: `make demo` runs the operation on a real model,
# `make test` passes the tests. Both fetch the models they need.
GO      ?= go
OUT     ?= out
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN    := golang.org/x/vuln/cmd/govulncheck@v1.9.0
LLAMA   := xllamacpp==2026.10.11549
PEERS   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/detox-surgery/peers
FUZZ    ?= 20s

.PHONY: build demo peers test test-neon bench check fuzz generate clean

build:
	$(GO) build -trimpath -o bin/detox-surgery ./cmd/detox-surgery

# Fetches SmolLM2-135M (98 MB), operates on it, writes $(OUT)/smollm2-detox.gguf and $(OUT)/report.html.
demo: build
	bin/detox-surgery pull smollm2-135m
	bin/detox-surgery apply -m smollm2-135m -o $(OUT)/smollm2-detox.gguf --preset quick --report $(OUT) --force

# llama.cpp as a Python wheel, the oracle that reads what we write. Without it its tests are skipped.
peers:
	@test -d "$(PEERS)/xllamacpp" || python3 -m pip install -q --no-deps --root-user-action ignore --target "$(PEERS)" $(LLAMA) || echo "llama.cpp was not fetched: its tests are skipped"

test: build peers
	bin/detox-surgery pull smollm2-135m gemma3-270m
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...
	$(MAKE) --no-print-directory test-neon

# The NEON tier runs under qemu-user where it is installed (Debian: qemu-user-static).
test-neon:
	@if command -v qemu-aarch64-static >/dev/null; then \
	  GOARCH=arm64 DETOX_REQUIRE_SIMD=neon $(GO) test -short -timeout 5m -exec qemu-aarch64-static ./simd/... ; \
	elif [ -n "$$CI" ]; then echo "qemu-aarch64-static not found: the NEON tests cannot run" >&2; exit 1; \
	else echo "qemu-aarch64-static not found: skipping the NEON tests (Debian: qemu-user-static)"; fi

bench:
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./simd ./bench

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt: files above"; exit 1; }
	for arch in amd64 arm64 386; do for tags in "" purego; do GOARCH=$$arch $(GO) vet -tags "$$tags" ./... || exit 1; done; done
	$(GO) mod tidy -diff
	$(GO) run $(LINT) run ./...
	$(GO) run $(VULN) ./...

fuzz:
	$(GO) test -run '^$$' -fuzz FuzzReader -fuzztime $(FUZZ) ./gguf
	$(GO) test -run '^$$' -fuzz FuzzReader -fuzztime $(FUZZ) -fuzzminimizetime 1x ./onnx
	$(GO) test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZ) ./gguf/quant
	$(GO) test -run '^$$' -fuzz FuzzRoundTrip -fuzztime $(FUZZ) -fuzzminimizetime 1x ./train/token

generate:
	$(GO) generate ./...

clean:
	rm -rf bin $(OUT)
