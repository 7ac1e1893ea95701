module headgate.dev/testbed/pause

go 1.21
