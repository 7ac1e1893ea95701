// Command model-server is a small, real model server: it scores credit applications with a logistic model and exposes its
// own Prometheus counters. Environment variables make it fail in the ways a bad release fails, and `fit` fits it to applications that a
// running one has seen; see README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// shutdownLimit bounds how long requests in flight may hold up the end of the process after the drain time.
const shutdownLimit = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "fit" {
		if err := fitMain(ctx, os.Args[2:], os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	settings, err := readSettings(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := run(ctx, settings); err != nil {
		slog.Error("stopped", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then drains and stops. It returns nil after a graceful stop.
func run(ctx context.Context, settings settings) error {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", settings.port))
	if err != nil {
		return err
	}
	service := newService(settings)
	// No timeout closes a connection that waits: a gateway that takes a pooled one at that moment would show its user a failure.
	// Not even ReadHeaderTimeout, which runs from the opening: gateways open more connections than they need at once.
	server := &http.Server{Handler: service.routes()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	slog.Info("listening", "address", listener.Addr().String(), "version", settings.version)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	service.draining.Store(true)
	slog.Info("draining", "for", settings.drain)
	select {
	case err := <-served:
		return err
	case <-time.After(settings.drain):
	}
	return shutdown(server)
}

// shutdown lets requests in flight finish for shutdownLimit and cuts the rest.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		slog.Warn("requests in flight were cut", "after", shutdownLimit)
		return server.Close()
	}
	return err
}
