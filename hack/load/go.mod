module headgate.dev/hack/load

go 1.24
