// Command faultproxy stands between the operator and one server it depends on, an API server or a Prometheus, and breaks what
// passes as it is told. Told it is over a control port, see control.go; it starts without any fault.
//
// Its first line on stdout is {"listen": URL, "control": URL}. It ends at SIGTERM.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "faultproxy:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("faultproxy", flag.ContinueOnError)
	kind := flags.String("kind", "", "what stands behind: api or prometheus")
	upstream := flags.String("upstream", "", "its URL")
	authorities := flags.String("ca", "", "file with the certificates that its own is signed by (default: the system's)")
	listen := flags.String("listen", "127.0.0.1:0", "where the operator connects, without TLS")
	control := flags.String("control", "127.0.0.1:0", "where faults are ordered")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	target, err := url.Parse(*upstream)
	if err != nil || target.Host == "" {
		return fmt.Errorf("-upstream=%q: want a URL", *upstream)
	}
	transport, err := transportTo(*authorities)
	if err != nil {
		return err
	}
	faults := newFaults()
	handler, err := handlerOf(*kind, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport, FlushInterval: -1}, faults)
	if err != nil {
		return err
	}
	front, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	back, err := net.Listen("tcp", *control)
	if err != nil {
		return err
	}
	return serve(newDoor(front, faults), back, handler, faults)
}

func handlerOf(kind string, proxy *httputil.ReverseProxy, faults *faults) (http.Handler, error) {
	switch kind {
	case "api":
		return newAPI(proxy, faults), nil
	case "prometheus":
		return newPrometheus(proxy, faults), nil
	}
	return nil, fmt.Errorf("-kind=%q: want api or prometheus", kind)
}

func serve(front, back net.Listener, handler http.Handler, faults *faults) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	users, orders := &http.Server{Handler: handler}, &http.Server{Handler: controlOf(faults)}
	failed := make(chan error, 2)
	go func() { failed <- users.Serve(front) }()
	go func() { failed <- orders.Serve(back) }()
	told, _ := json.Marshal(map[string]string{"listen": "http://" + front.Addr().String(), "control": "http://" + back.Addr().String()})
	fmt.Println(string(told))
	select {
	case <-ctx.Done():
		return errors.Join(users.Close(), orders.Close())
	case err := <-failed:
		return err
	}
}

func transportTo(authorities string) (http.RoundTripper, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if authorities == "" {
		return transport, nil
	}
	pem, err := os.ReadFile(authorities)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", authorities)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	return transport, nil
}
