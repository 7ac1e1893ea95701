# shellcheck shell=bash
# Sourced: etcd, API server, controller manager, scheduler.

etcd_up() {
    # No fsync: a test cluster survives a crash of this machine no better than its pods do.
    start etcd etcd --data-dir "$run/etcd" --unsafe-no-fsync --quota-backend-bytes 4294967296 --auto-compaction-retention 5m \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
}

apiserver_up() {
    start apiserver "$kubernetes_bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
        --bind-address="$node_ip" --advertise-address="$node_ip" --secure-port=6443 \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
        --service-account-key-file="$pki/service-accounts.key" --service-account-signing-key-file="$pki/service-accounts.key" \
        --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-cluster-ip-range="$service_cidr" \
        --authorization-mode=Node,RBAC --allow-privileged=true --kubelet-preferred-address-types=InternalIP \
        --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" --kubelet-certificate-authority="$pki/ca.crt" \
        --audit-policy-file="$here/config/audit.yaml" --audit-log-path="$api_audit" --audit-log-maxsize=500 --audit-log-maxbackup=1
}

controlplane_up() {
    etcd_up
    apiserver_up
    wait_for 60 "the API server" apiserver kubectl get --raw /readyz
    start controller-manager "$kubernetes_bin/kube-controller-manager" --kubeconfig="$run/controller-manager.kubeconfig" \
        --service-account-private-key-file="$pki/service-accounts.key" --root-ca-file="$pki/ca.crt" --use-service-account-credentials \
        --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
        --cluster-cidr="$pod_cidr" --allocate-node-cidrs=true --leader-elect=false --bind-address=127.0.0.1
    start scheduler "$kubernetes_bin/kube-scheduler" --kubeconfig="$run/scheduler.kubeconfig" --leader-elect=false --bind-address=127.0.0.1
}
