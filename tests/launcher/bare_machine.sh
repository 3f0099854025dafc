#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The first hours on a bare Debian 12, as whoever reads the README has them: from a fresh clone to the first picture, the
# tour, the tests. Run by hand, as root: it takes from minutes to hours, and fetches packages. `--help` says how.
#
# Each machine is a root folder made by debootstrap, entered in name spaces of its own: its mounts end with the last
# process in them, and nothing that others on this machine do is seen there. The network is this machine's only while
# packages may be fetched.
# shellcheck disable=SC2317  # step() calls what seems unreachable
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
release=bookworm
readers=(root sudo user)
parts=(picture first tour test)

usage() {
  cat <<'END_OF_USAGE'
Usage: tests/launcher/bare_machine.sh [--as READER]... [--ccache FOLDER] [PART...]

  --as READER      root, sudo (a user who may), user (who may not); all three, each on a bare machine of its own
  --ccache FOLDER  look there for what was compiled before, and change nothing in it: the times are none then
  PART             picture   packages, and ./pdc run barrier: always done
                   first     ./pdc tour first
                   tour      ./pdc tour
                   test      ./pdc test
                   all four, if none is named

Tries the last commit, not the working tree. Ends with a table of what each part took, and with status 1 if one failed.
END_OF_USAGE
}

die() {
  printf 'bare_machine: %s\n' "${*:2}" >&2
  exit "$1"
}

# one_of WORD ALLOWED...
one_of() {
  [[ " ${*:2} " == *" $1 "* ]] || die 2 "no '$1': there are ${*:2}"
}

chosen_readers=() chosen_parts=() ccache=''
while (($# > 0)); do
  case $1 in
    --as) one_of "${2-}" "${readers[@]}" && chosen_readers+=("$2") && shift ;;
    --ccache) ccache=$(readlink -e "${2-}") || die 2 "--ccache wants a folder" && shift ;;
    --help | -h) usage && exit ;;
    *) one_of "$1" "${parts[@]}" && chosen_parts+=("$1") ;;
  esac
  shift
done
((${#chosen_readers[@]} == 0)) || readers=("${chosen_readers[@]}")
((${#chosen_parts[@]} == 0)) || parts=("${chosen_parts[@]}")

(($(id -u) == 0)) || die 3 "only root can make a machine"
for tool in debootstrap unshare chroot ip git; do
  type -P "$tool" >/dev/null || die 3 "needs $tool"
done

work=$(mktemp -d)
machine='' who='' home='' child='' kept='' rows=() failures=0
trap '[[ ! $child ]] || kill -KILL "$child" 2>/dev/null; wait; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# step NAME COMMAND...: says what it took. Where it fails, shows the end of its output and keeps all of it.
step() {
  local began=$SECONDS outcome=ok
  printf '%s ...\n' "$1"
  "${@:2}" >"$work/log" 2>&1 </dev/null || outcome="FAILED, status $?"
  rows+=("$(printf '%-48s %6d s  %s' "$1" $((SECONDS - began)) "$outcome")")
  [[ $outcome != ok ]] || return 0
  ((++failures))
  tail -n 100 "$work/log"
  : "${kept:=$(mktemp -d)}"
  cp "$work/log" "$kept/$failures"
  printf 'all of its output: %s\n' "$kept/$failures"
  return 1
}

# apart OPTION... COMMAND...: in name spaces of its own, in the background, so that a signal is heard at once.
apart() {
  unshare --mount --ipc --uts --pid --fork --kill-child "$@" &
  child=$!
  wait "$child"
}

# The packages of a minimal system, and a folder to copy for each reader.
make_base() {
  local mirror
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" "Codename: $release" | head -n 1)
  apart --mount-proc debootstrap --variant=minbase "$release" "$work/base" "${mirror:-http://deb.debian.org/debian}"
}

# make_machine READER: a bare machine with a fresh clone in the reader's home.
make_machine() {
  local more=()
  machine="$work/$1" who=reader home=/home/reader
  [[ $1 != root ]] || who=root home=/root
  [[ $1 != sudo ]] || more+=(sudo)
  [[ ! $ccache ]] || more+=(ccache)
  cp -a "$work/base" "$machine" &&
    cp -L /etc/resolv.conf "$machine/etc/" &&
    printf '127.0.0.1 localhost\n127.0.1.1 bare\n' >"$machine/etc/hosts" &&
    { [[ $who == root ]] || chroot "$machine" useradd --create-home --shell /bin/bash "$who"; } &&
    git -c safe.directory='*' clone --quiet --no-hardlinks "$root" "$machine$home/pdc" &&
    chroot "$machine" chown -R "$who": "$home/pdc" &&
    { ((${#more[@]} == 0)) || as root online "apt-get -q update && apt-get -q install -y --no-install-recommends ${more[*]}"; } &&
    { [[ $1 != sudo ]] || echo 'reader ALL=(ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/reader"; }
}

# as USER online|alone COMMAND: in a login shell of the machine, with or without this machine's network.
as() {
  local net=(--net) settings=true
  [[ $2 == alone ]] || net=()
  [[ ! $ccache ]] || settings="export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR=/ccache CCACHE_TEMPDIR=/tmp CCACHE_READONLY=1 CCACHE_BASEDIR=$home \
    CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
  apart "${net[@]}" bash -c "$(declare -f enter); enter \"\$@\"" bash "$machine" "$ccache" "$1" "$settings; cd $home/pdc && $3"
}

# enter MACHINE CCACHE USER COMMAND: in new name spaces, mounts what a machine has and becomes the user. Stays behind as
# the first process, which waits for orphans.
enter() {
  set -e
  ip link set lo up
  hostname bare
  mount -t proc proc "$1/proc"
  mount --rbind /sys "$1/sys"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$1/dev/pts"
  mkdir -p "$1/dev/shm"
  mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
  if [[ $2 ]]; then
    mkdir -p "$1/ccache"
    mount --bind "$2" "$1/ccache"
  fi
  chroot "$1" su - "$3" -c "$4" &
  wait $!
}

# holds COMMAND...: it ends well and prints that all claims hold.
holds() {
  "$@" && grep -qx 'all claims hold' "$work/log"
}

# Without root's rights it says in one line what root has to do, which goes to $work/advice.
refused() {
  local status=0
  as "$who" online './pdc run barrier' || status=$?
  sed -n 's/^pdc: packages are missing and only root can install them: //p' "$work/log" >"$work/advice"
  [[ $status == 3 && $(wc -l <"$work/log") == 1 && $(<"$work/advice") == "apt-get update && apt-get install "* ]]
}

# Ends with 1 as soon as something fails on which the rest depends.
try_as() {
  local part
  step "$1: a bare machine with a fresh clone" make_machine "$1" || return
  if [[ $1 == user ]]; then
    step "$1: ./pdc run barrier is refused, in one line" refused || return
    step "$1: root does what that line says" as root online "export DEBIAN_FRONTEND=noninteractive; $(<"$work/advice")" || return
    step "$1: ./pdc run barrier, the first picture" holds as "$who" alone './pdc run barrier' || return
  else
    step "$1: ./pdc run barrier, packages and picture" holds as "$who" online './pdc run barrier' || return
    grep -E 'to fetch|^installed in' "$work/log"
  fi
  # shellcheck disable=SC2016
  step "$1: eval \"\$(./pdc env)\", mpirun -np 5 scatter" holds as "$who" alone './pdc run scatter >/dev/null &&
    eval "$(./pdc env)" && mpirun -np 5 build/release/chapter4_mpi/scatter' || true
  for part in "${parts[@]}"; do
    case $part in
      first) step "$1: ./pdc tour first" as "$who" alone './pdc tour first' || true ;;
      tour) step "$1: ./pdc tour" as "$who" alone './pdc tour' || true ;;
      test) step "$1: ./pdc test" as "$who" alone './pdc test' || true ;;
    esac
  done
}

echo "commit $(git -c safe.directory='*' -C "$root" rev-parse --short HEAD), $(nproc) processors${ccache:+, compiled before: the times are none}"
step "debootstrap, the minimal system" make_base || exit 1
for reader in "${readers[@]}"; do
  try_as "$reader" || true
  rm -rf --one-file-system "${work:?}/$reader"
done
printf '\n'
printf '%s\n' "${rows[@]}"
exit $((failures > 0))
