// Command gitserver serves the bare Git repositories of a folder over HTTP, read-only: what Flux and Argo CD fetch from. It needs git.
//
// Its first line on stdout is {"listen": URL}. It ends at SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gitserver:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("gitserver", flag.ContinueOnError)
	folder := flags.String("folder", "", "where the bare repositories lie")
	listen := flags.String("listen", "127.0.0.1:0", "address")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	handler, err := handlerOf(*folder)
	if err != nil {
		return err
	}
	front, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"listen": "http://" + front.Addr().String()}); err != nil {
		return err
	}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Handler: handler}
	go func() {
		<-ended.Done()
		server.Close()
	}()
	if err := server.Serve(front); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handlerOf answers by git's own http-backend, which serves what it is asked for unless it is a push.
func handlerOf(folder string) (http.Handler, error) {
	root, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if found, err := os.Stat(root); folder == "" || err != nil || !found.IsDir() {
		return nil, fmt.Errorf("-folder=%q: want a folder with bare repositories", folder)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, err
	}
	return &cgi.Handler{
		Path:   git,
		Args:   []string{"http-backend"},
		Env:    []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
		Logger: nil,
		Stderr: &prefixed{},
	}, nil
}

// prefixed says who complained.
type prefixed struct{}

func (*prefixed) Write(words []byte) (int, error) {
	_, err := fmt.Fprintln(os.Stderr, "git http-backend:", strings.TrimSpace(string(words)))
	return len(words), err
}
