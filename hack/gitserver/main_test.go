package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func git(t *testing.T, folder string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"}, arguments...)...)
	command.Dir = folder
	told, err := command.CombinedOutput()
	return string(told), err
}

func must(t *testing.T, folder string, arguments ...string) {
	t.Helper()
	if told, err := git(t, folder, arguments...); err != nil {
		t.Fatalf("git %v: %v: %s", arguments, err, told)
	}
}

func served(t *testing.T) (url string, work string) {
	root, work := t.TempDir(), t.TempDir()
	must(t, work, "init")
	if err := os.WriteFile(filepath.Join(work, "a.yaml"), []byte("a: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, work, "add", ".")
	must(t, work, "commit", "-m", "one")
	must(t, root, "clone", "--bare", work, "models.git")
	handler, err := handlerOf(root)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/models.git", work
}

func TestARepositoryCanBeCloned(t *testing.T) {
	url, _ := served(t)
	into := t.TempDir()
	must(t, into, "clone", url, "copy")
	if content, err := os.ReadFile(filepath.Join(into, "copy", "a.yaml")); err != nil || string(content) != "a: 1\n" {
		t.Fatalf("%q %v", content, err)
	}
}

func TestNobodyPushesOverHTTP(t *testing.T) {
	url, work := served(t)
	if told, err := git(t, work, "push", url, "main:other"); err == nil || !strings.Contains(told, "403") {
		t.Fatalf("pushed: %v %s", err, told)
	}
}

func TestAFolderIsNeeded(t *testing.T) {
	for _, folder := range []string{"", "/does/not/exist"} {
		if _, err := handlerOf(folder); err == nil || !strings.Contains(err.Error(), "-folder") {
			t.Fatalf("%q: %v", folder, err)
		}
	}
}
