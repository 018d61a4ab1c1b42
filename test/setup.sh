#!/bin/bash
#
# setup.sh - from a clean clone to a running demo, agent, test or benchmark
#
# usage: test/setup.sh demo | start | test | bench [NAME...] | faults | soak
#
#   demo    play the main job, in a disposable systemd
#   start   run the agent in the foreground on examples/; Ctrl-C ends it
#   test    every check and the whole test suite; the last line is `N passed, N failed`
#   bench   measure and print the numbers: all, or those of a NAME in test/bench/bench.ts
#   faults  the fault tests in their whole size: TEST_KILLS kills (500), TEST_SEED a seed that was printed
#   soak    50 pods that are changed for SOAK_MINUTES (30)
#
# Needs root, Node with npm, and a Debian (12 or newer) to install from what is missing. Bun and all
# npm packages come from the npm registry, in the versions of bun.lock. PID 1 need not be systemd.

set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"
umask 022

die() { echo "setup: $*" >&2; exit 1; }

# Runs a command silently, one line for it; its output only if it fails.
step() {
  local title=$1 output
  shift
  if output=$("$@" 2>&1 </dev/null); then
    echo "setup: $title: ok"
  else
    printf '%s\n' "$output" >&2
    echo "setup: $title: failed" >&2
    return 1
  fi
}

debian_packages() {
  local package packages=(busybox-static systemd dbus util-linux procps curl xz-utils) missing=()
  [[ $1 == demo || $1 == start ]] || packages+=(chromium docker-registry libfaketime openssl skopeo umoci containernetworking-plugins iproute2 iptables prometheus fish mandoc zsh)
  type dpkg-query &>/dev/null || die "no Debian: install systemd, dbus, util-linux, procps, curl, xz and a static busybox by hand"
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  # The tests start registries of their own, and of prometheus they need its promtool; Debian's packages would start both services here.
  if [[ -d /run/systemd/system ]]; then systemctl mask --runtime docker-registry.service prometheus.service &>/dev/null || true; fi
  step "apt-get update" apt-get update
  step "apt-get install ${missing[*]}" \
    env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
}

npm_packages() {
  local version
  version=$(node -p 'require("./package.json").devDependencies.bun')
  if [[ $(bun --version 2>/dev/null) == "$version" ]]; then
    step "npm packages" bun install --frozen-lockfile
  else
    step "npm packages" npx --yes "bun@$version" install --frozen-lockfile
  fi
}

# Their image is made by the tests' own image maker, of the machine's busybox.
run_examples() {
  mkdir -p /var/lib/gantry/images
  bun -e 'import { writeAci } from "./test/aci.ts"; await writeAci("/var/lib/gantry/images/busybox.aci")'
  echo "setup: in another terminal: curl http://127.0.0.1:10255/"
  exec dist/gantry agent --manifest-path="$PWD/examples"
}

start() {
  if [[ -d /run/systemd/system ]]; then
    run_examples
  else
    echo "setup: this machine's PID 1 is not systemd: a disposable one is booted, and gone afterwards"
    export -f run_examples
    # The engine's overlays cannot lie on the overlay that is the root directory there.
    exec test/with-systemd --host-network --tmpfs /var/lib/gantry bash -euc run_examples
  fi
}

run_tests() {
  local check passed=0 failed=0 skipped=0 results
  for check in "biome check" "tsc --noEmit" "bun --bun knip"; do # knip does not run on Debian 12's Node
    # shellcheck disable=SC2086  # its words
    if step "$check" $check; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done

  results=$(mktemp -d)
  # shellcheck disable=SC2064  # this directory
  trap "rm -rf '$results'" EXIT
  # What tests of one directory leave on their machine is nothing to those of another.
  local directory files report status all failures skips
  for directory in test test/*/; do
    mapfile -t files < <(tests_in "$directory")
    ((${#files[@]})) || continue
    echo "setup: ${directory%/}, under a systemd of its own"
    report=$results/report.xml status=0
    test/with-systemd --bind "$results" \
      bun test --timeout=60000 --only-failures --reporter=junit --reporter-outfile="$report" "${files[@]}" </dev/null || status=$?
    count() { sed -n "/^<testsuites /s/.* $1=\"\([0-9]*\)\".*/\1/p" "$report" 2>/dev/null || true; }
    all=$(count tests) failures=$(count failures) skips=$(count skipped)
    failures=${failures:-0}
    skipped=$((skipped + ${skips:-0}))
    passed=$((passed + ${all:-0} - failures))
    # What broke outside of a test (a file that does not load, no systemd) is in no count.
    if ((status && !failures)) || [[ ! $all ]]; then failures=1; fi
    failed=$((failed + failures))
    rm -f "$report"
  done
  passed=$((passed - skipped))
  if ((skipped)); then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
  ((!failed))
}

# In the same order on every machine; those in test/ itself without what is below.
tests_in() {
  local depth=9
  [[ $1 != test ]] || depth=1
  find "./$1" -maxdepth "$depth" -name '*.test.ts' | sort
}

case ${1-} in
  demo | start | test | bench | faults | soak) ;;
  *) sed -n '3,/^$/s/^# \?//p' "$0"; exit 2 ;;
esac
((EUID == 0)) || die "must be run as root: it installs packages and boots a systemd"
type node npx &>/dev/null || die "needs Node with npm: apt-get install npm"
debian_packages "$1"
npm_packages
case $1 in
  demo)  step "build dist/gantry" bun run build; exec test/with-systemd bun test/demo.ts ;;
  start) step "build dist/gantry" bun run build; start ;;
  bench) step "build dist/gantry" bun run build; exec test/with-systemd bun test/bench/bench.ts "${@:2}" ;;
  faults) TEST_KILLS=${TEST_KILLS:-500} exec test/with-systemd bun test --timeout=60000 test/faults ;;
  soak)  SOAK_MINUTES=${SOAK_MINUTES:-30} exec test/with-systemd bun test test/faults/soak.test.ts ;;
  test)  run_tests ;;
esac
