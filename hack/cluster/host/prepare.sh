#!/usr/bin/env bash
# Everything that the host cluster needs and that outlives it: packages, binaries, images. Does only what is not done yet.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/settings.sh"

"$here/packages.sh"
"$here/build.sh"
"$here/fetch.sh"
source "$here/../images/recipes.sh"
pause_image
envoy_gateway_image
envoy_image
