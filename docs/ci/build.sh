#!/bin/sh
# Builds and tests targets on any CI, from and into a shared cache.
#
#   TARGETS           what to build, names with spaces between them
#   TESTS             targets whose checks are to be run
#   PWB_REMOTE        the shared cache, as grpcs://HOST/INSTANCE
#   PWB_REMOTE_TOKEN  lets the build write to it; without it, it only reads
#
# reports/ has the verdicts as JUnit XML, and the latest build, if there was one, as a page.
set -eu

mkdir -p reports
if [ -n "${PWB_REMOTE_TOKEN:-}" ]; then export PWB_REMOTE_UPLOAD=success; fi
# Where all came from the cache there is no build to show.
trap 'pwb report --output reports/build.html || true' EXIT

for target in $TARGETS; do
    pwb realize "$target" --keep-going --out "result-$target"
done
for target in ${TESTS:-}; do
    pwb test "$target" --junit "reports/$target.xml"
done
