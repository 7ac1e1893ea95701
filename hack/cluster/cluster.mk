# The test bed. CLUSTER = current | kind | host; default: the one that is up, else kind if docker answers, else host.
.PHONY: cluster-up cluster-down cluster-build image

cluster-up: ## start the test cluster (CLUSTER=current|kind|host)
	@hack/cluster/up.sh

cluster-down: ## remove the test cluster and its state; caches stay
	@hack/cluster/down.sh

cluster-build: ## build what the host cluster needs, without starting it
	@hack/cluster/host/prepare.sh

image: ## build the operator's and the model server's images and give them to the cluster
	@hack/cluster/images.sh all
