# shellcheck shell=bash
# Sourced: certificates and kubeconfigs; they live as long as the cluster.

# certificate NAME COMMON_NAME ORGANISATION SUBJECT_ALTERNATIVE_NAMES
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/$1.key" -out "$pki/$1.csr" -subj "/O=$3/CN=$2" 2>/dev/null
    openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 365 -out "$pki/$1.crt" \
        -extfile <(echo "subjectAltName=$4") 2>/dev/null
    rm "$pki/$1.csr"
}

# kubeconfig FILE NAME: for the holder of the certificate NAME.
kubeconfig() {
    cat >"$1" <<YAML
apiVersion: v1
kind: Config
clusters:
- {name: headgate, cluster: {server: "https://$node_ip:6443", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}
users:
- {name: $2, user: {client-certificate-data: $(base64 -w0 "$pki/$2.crt"), client-key-data: $(base64 -w0 "$pki/$2.key")}}
contexts:
- {name: headgate, context: {cluster: headgate, user: $2}}
current-context: headgate
YAML
    chmod 600 "$1"
}

pki_up() {
    [ -f "$run/kubeconfig" ] && return 0
    local name
    mkdir -p "$pki" && chmod 700 "$pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/ca.key" -out "$pki/ca.crt" -days 365 -subj /CN=headgate-ca 2>/dev/null
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/service-accounts.key"
    certificate apiserver kube-apiserver kubernetes \
        "IP:$node_ip,IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    certificate admin admin system:masters DNS:admin
    certificate controller-manager system:kube-controller-manager system:kube-controller-manager DNS:controller-manager
    certificate scheduler system:kube-scheduler system:kube-scheduler DNS:scheduler
    certificate kubelet "system:node:$node_name" system:nodes "DNS:$node_name,IP:$node_ip"
    certificate proxy system:kube-proxy system:node-proxier DNS:proxy
    certificate dns headgate-dns headgate DNS:dns
    certificate prometheus headgate-prometheus headgate DNS:prometheus
    for name in controller-manager scheduler kubelet proxy prometheus; do kubeconfig "$run/$name.kubeconfig" "$name"; done
    kubeconfig "$run/kubeconfig" admin # last: its presence says that all are there
}
