#!/bin/sh
# Install Chromium for the browser tests where that can be done; say so where it cannot.
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1
fi
command -v chromium >/dev/null || echo "No Chromium here and none could be installed: browser tests will be SKIPPED."
exit 0
