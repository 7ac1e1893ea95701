module headgate.dev/hack/gitserver

go 1.24
