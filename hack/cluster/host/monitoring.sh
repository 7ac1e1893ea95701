# shellcheck shell=bash
# Sourced: Prometheus and Alertmanager as processes at the node's address, known in the cluster as monitoring/prometheus and monitoring/alertmanager.

monitoring_up() {
    # shellcheck disable=SC2034 # the template names them
    local alertmanager_address=$node_ip:9093 sd_access=", kubeconfig_file: $run/prometheus.kubeconfig" rules="$run/rules/*.yaml"
    mkdir -p "$run/rules"
    render "$here/../manifests/prometheus.yml" "$run/prometheus.yml"
    start alertmanager prometheus-alertmanager --config.file="$here/../manifests/alertmanager.yml" --storage.path="$run/alertmanager" \
        --web.listen-address="$node_ip:9093" --cluster.listen-address=
    start prometheus "$prometheus_bin/prometheus" --config.file="$run/prometheus.yml" --storage.tsdb.path="$run/prometheus" \
        --storage.tsdb.retention.time=12h --web.listen-address="$node_ip:9090" --web.enable-lifecycle
    render "$here/config/monitoring-services.yaml" "$run/monitoring-services.yaml"
    kubectl apply --server-side -f "$run/monitoring-services.yaml" >/dev/null
    wait_for 30 Prometheus prometheus curl -fsS "http://$node_ip:9090/-/ready"
    wait_for 30 Alertmanager alertmanager curl -fsS "http://$node_ip:9093/-/ready"
}

envoy_is_scraped() {
    curl -fsS "http://$node_ip:9090/api/v1/query" --data-urlencode 'query=up{job="envoy",gateway="public"} == 1' | grep -q '"pod"'
}
