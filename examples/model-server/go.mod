module headgate.dev/examples/model-server

go 1.24
