module headgate.dev/hack/faultproxy

go 1.24
