#!/bin/bash
# docker/build-check.sh - build docker/Dockerfile for real where there is no Docker engine, and start each program
# of the image once. By hand, as root; takes some minutes and about 1 GB below TMPDIR, which it gives back.
#
# buildah builds (chroot isolation, vfs storage). The base is a minimal Debian made by debootstrap, with this
# machine's package sources, so that no registry of images is needed; BASE=docker.io/library/debian:12-slim, or
# another, is pulled instead.
set -eu
cd "$(dirname "$0")/.."
say() { echo "build-check: $*"; }

[ "$(id -u)" -eq 0 ] || { say "must be run as root"; exit 1; }
for tool in buildah debootstrap; do
    command -v "$tool" >/dev/null 2>&1 ||
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends buildah debootstrap >/dev/null
done

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mpreg-build-check.XXXXXX")
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
buildah() { command buildah --root "$scratch/storage" --runroot "$scratch/run" "$@"; }
# shellcheck disable=SC2317 # called by the trap
cleanup() {
    buildah rm --all >/dev/null 2>&1 || true
    rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT
cat >"$scratch/policy.json" <<END
{ "default": [ { "type": "insecureAcceptAnything" } ] }
END

make_base() {
    say "debootstrap makes a base"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$scratch/base" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$scratch/debootstrap.log" 2>&1 ||
        { tail -n 20 "$scratch/debootstrap.log"; return 1; }
    # The same suites (security among them) as this machine.
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        rm -f "$scratch/base/etc/apt/sources.list"
        cp /etc/apt/sources.list.d/debian.sources "$scratch/base/etc/apt/sources.list.d/"
    elif [ -e /etc/apt/sources.list ]; then
        cp /etc/apt/sources.list "$scratch/base/etc/apt/sources.list"
    fi
    rm -rf "$scratch/base/var/cache/apt/archives" "$scratch/base/var/lib/apt/lists"
    mkdir -p "$scratch/base/var/cache/apt/archives/partial" "$scratch/base/var/lib/apt/lists/partial"
    local container
    container=$(buildah from scratch)
    buildah copy "$container" "$scratch/base" / >/dev/null
    buildah commit --signature-policy "$scratch/policy.json" "$container" localhost/mpreg-base >/dev/null
    buildah rm "$container" >/dev/null
    rm -rf "$scratch/base"
}

base=${BASE:-}
if [ -n "$base" ]; then
    buildah pull --signature-policy "$scratch/policy.json" "$base" >/dev/null
else
    make_base
    base=localhost/mpreg-base
fi

say "building docker/Dockerfile on $base"
buildah build --signature-policy "$scratch/policy.json" --pull-never --format docker --build-arg "BASE=$base" \
    --build-arg EXTRA_PACKAGES=python3 --ignorefile docker/Dockerfile.dockerignore -f docker/Dockerfile \
    -t localhost/mpreg-bridge .

container=$(buildah from --signature-policy "$scratch/policy.json" --pull-never localhost/mpreg-bridge)
in_image() { buildah run "$container" -- "$@"; }
failed=0
for program in mpreg-bridge mpreg-node mpregctl; do
    in_image /usr/local/lib/mpreg/entrypoint "$program" --version || { say "$program does not start"; failed=1; }
done
[ "$(in_image id -un)" = mpreg ] || { say "the image does not run as mpreg"; failed=1; }
in_image python3 -c 'print("python3 for the functions")' || failed=1
[ $failed -eq 0 ] && say "ok"
exit $failed
