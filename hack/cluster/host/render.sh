# shellcheck shell=bash
# Sourced: configuration files from templates.

# render TEMPLATE OUT: replaces ${name} by the shell variable of that name; a name without a variable is an error.
# Writes only what differs, because kube-proxy ends when its configuration file is written.
render() {
    local text name
    text=$(cat "$1")
    while [[ $text =~ \$\{([a-zA-Z_]+)\} ]]; do
        name=${BASH_REMATCH[1]}
        text=${text//"\${$name}"/"${!name:?$1 names it}"}
    done
    mkdir -p "$(dirname "$2")"
    [ "$(cat "$2" 2>/dev/null)" = "$text" ] || printf '%s\n' "$text" >"$2"
}
