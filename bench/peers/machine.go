package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/detox-surgery/detox-surgery/surgery/hub"
)

// cpuName names the processor's model so that results of others do not mix with
// it: virtual machines hide the number that is sold.
func cpuName() string {
	c := &cpuid.CPU
	name := strings.Join(strings.Fields(c.BrandName), " ")
	if name == "" {
		name = runtime.GOARCH
	}
	return fmt.Sprintf("%s (family %d, model %d)", name, c.Family, c.Model)
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug makes a file name of a processor's.
func slug(name string) string {
	return strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// loadAverage is the system's over one minute, 0 where it does not tell.
func loadAverage() float64 {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	word, _, _ := strings.Cut(string(raw), " ")
	v, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return 0
	}
	return v
}

// commit is the state of the repository, "" if git cannot tell.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// modelFile finds a model: a file, or one that pull has fetched.
func modelFile(arg string) (string, error) {
	if _, err := os.Stat(arg); err == nil {
		return arg, nil
	}
	m, ok := hub.Find(arg)
	if !ok {
		return "", fmt.Errorf("%w: no model %s", errSkip, arg)
	}
	dir := os.Getenv("DETOX_MODELS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "detox-surgery", "models")
	}
	path := filepath.Join(dir, m.File)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: run detox-surgery pull %s: %w", errSkip, arg, err)
	}
	return path, nil
}
