#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_pdc.sh: what the launcher promises. First in the real tree, then in a small tree of its own, whose programs are
# shell scripts that succeed, fail, do not build, or never end; and with stand-ins for the package tools.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# expect STATUS COMMAND...: the command ends with that status; its stdout goes to $out, its stderr to $err.
expect() {
  local wanted=$1 status=0
  shift
  command_line=$*
  "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
  out=$(<"$scratch/out") err=$(<"$scratch/err")
  [[ $status == "$wanted" ]] || fail "its status is $status, not $wanted"
}

fail() {
  printf 'FAILED: %s\n  %s\n  stdout: %s\n  stderr: %s\n' "$command_line" "$1" "$out" "$err"
  ((++failures))
}

prints() { [[ $out == *"$1"* ]] || fail "it does not print '$1'"; }
complains() { [[ $err == "pdc: "*"$1"* && $err != *$'\n'* ]] || fail "stderr is not the one line 'pdc: ... $1'"; }
silent() { [[ -z $out$err ]] || fail "it is not silent"; }

# The real tree, from another folder, and through a link.

pdc="$root/pdc"
mkdir "$scratch/elsewhere"
ln -s "$pdc" "$scratch/elsewhere/link"
cd "$scratch/elsewhere" || exit 1

expect 0 "$pdc" list
names=$(sed -n -E 's/^ *\{"name": "([^"]*)".*/\1/p' "$root/build/release/catalog.json")
for name in $names; do prints "  $name "; done
[[ -n $names && $(grep -c '^  ' <<<"$out") == $(wc -w <<<"$names") ]] || fail "it does not list every program once"

expect 0 ./link run lost_update --quiet
prints "all claims hold"
expect 0 ./link run chapter2_threads/lost_update --quiet --svg picture.svg
[[ -s picture.svg ]] || fail "the picture is not where the command was given"
expect 0 "$pdc" run lost_update --help
prints "--threads"
expect 2 "$pdc" run lost_update --threads 0
expect 2 "$pdc" run lost_update -np 2
complains "lost_update is no MPI program"
expect 2 "$pdc" run lost_updat
complains "did you mean lost_update?"
expect 2 "$pdc" run xyzzy
complains "./pdc list shows them all"
expect 2 "$pdc" run
complains "the name of a program"
expect 2 "$pdc" tset
complains "did you mean test?"
expect 2 "$pdc" test relese
complains "did you mean release?"
expect 2 "$pdc" bensh
complains "did you mean bench?"
expect 2 "$pdc" bench xyzzy
complains "./pdc bench --list shows them all"
expect 0 "$pdc" bench --list barrier
prints "barrier/2 "
expect 2 "$pdc" bench --rounds 0
complains "rounds from 1 to 1000"
expect 2 "$pdc" tour threds
complains "did you mean threads?"
expect 2 "$pdc" list 2 3
complains "one chapter"
expect 2 "$pdc"
[[ $err == Usage:* ]] || fail "it does not tell how it is used"
expect 0 "$pdc" help
prints "Usage:"
expect 0 "$pdc" run --help
prints "Usage:"
if command -v apt-get >/dev/null; then
  expect 0 "$pdc" setup
  prints "nothing to do"
fi
expect 2 "$pdc" setup --everything
complains "--contributor"
"$pdc" doctor >"$scratch/out" 2>&1
out=$(<"$scratch/out") command_line="pdc doctor"  # its status is this machine's affair
for line in g++ cmake ninja-build libboost1.81-dev libtbb-dev processors mpirun "network namespaces"; do prints " $line "; done

# A tree of its own.

tree="$scratch/a tree"
stubs="$scratch/stubs"
mkdir -p "$tree" "$stubs"
cp "$pdc" "$tree/"
cat >"$tree/CMakePresets.json" <<'END'
{
  "version": 6,
  "configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}]
}
END
cat >"$tree/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(fake LANGUAGES NONE)
function(page chapter name ranks)
  set(mpi false)
  if(ranks)
    set(mpi true)
  endif()
  set(page "${CMAKE_BINARY_DIR}/${chapter}/${name}")
  add_custom_target(${chapter}.${name} COMMAND install -D "${CMAKE_SOURCE_DIR}/${name}.sh" "${page}" VERBATIM)
  set_property(GLOBAL APPEND_STRING PROPERTY CATALOG ",\n  {\"name\": \"${name}\", \"chapter\": \"${chapter}\", \"summary\": \"a \\\"${name}\\\" page\", \"executable\": \"${chapter}/${name}\", \"mpi\": ${mpi}, \"ranks\": [${ranks}]}")
endfunction()
page(chapter1_plain fails "")
page(chapter1_plain does_not_build "")
page(chapter1_plain succeeds "")
page(chapter2_endless first "")
page(chapter2_endless endless "")
page(chapter2_endless never_reached "")
page(chapter3_ranks any "1, 2, 3, 5")
page(chapter3_ranks few "1, 2")
page(chapter3_ranks many "6, 8")
get_property(catalog GLOBAL PROPERTY CATALOG)
string(REGEX REPLACE "^," "" catalog "${catalog}")
file(WRITE "${CMAKE_BINARY_DIR}/catalog.json" "[${catalog}\n]\n")
END
for name in succeeds first never_reached any few many; do
  printf '#!/bin/sh\necho "%s says $*"\n' "$name" >"$tree/$name.sh"
done
printf '#!/bin/sh\necho "fails says so"\nexit 7\n' >"$tree/fails.sh"
cat >"$tree/endless.sh" <<'END'
#!/bin/sh
sleep 600 &
echo $! >"$PID_FILE.new" && mv "$PID_FILE.new" "$PID_FILE"
wait
END
printf '#!/bin/sh\necho "mpirun $*"\n' >"$stubs/mpirun"
chmod +x "$stubs"/*
PATH="$stubs:$PATH"
pdc="$tree/pdc"

expect 0 "$pdc" list plain
prints "chapter1_plain"
prints '  fails           a "fails" page'
[[ $out != *endless* ]] || fail "it lists another chapter"
for chapter in 1 plain chapter1 chapter1_plain; do
  expect 1 "$pdc" tour "$chapter"
  prints "[1/3] building chapter1_plain/fails ..."
  prints "fails says so"
  prints "succeeds says"
  for row in "fails +failed, status 7" "does_not_build +does not build" "succeeds +ok"; do
    grep -qE "^chapter1_plain/$row +[0-9]+\.[0-9] s$" <<<"$out" || fail "its table has no row '$row'"
  done
done
expect 7 "$pdc" run fails
expect 0 "$pdc" run succeeds --one 'two words' -- -np
prints "succeeds says --one two words -np"
expect 1 "$pdc" run does_not_build
[[ $err == *does_not_build.sh*"pdc: does_not_build does not build"* ]] || fail "it does not say why it does not build"

expect 0 "$pdc" tour ranks
prints "mpirun -np 4 $tree/build/release/chapter3_ranks/any"
prints "mpirun -np 2 $tree/build/release/chapter3_ranks/few"
prints "mpirun -np 6 $tree/build/release/chapter3_ranks/many"
expect 0 "$pdc" run any --one -np 3 two -- -np 9
prints "mpirun -np 3 $tree/build/release/chapter3_ranks/any --one two -np 9"
for ranks in 0 -1 abc 1000 ''; do
  expect 2 "$pdc" run any -np "$ranks"
  complains "-np wants a number"
done
expect 2 "$pdc" run any -np
complains "-np wants a number"

# A program that was added a moment ago is there.
printf '#!/bin/sh\necho new here\n' >"$tree/added.sh"
sed -i 's/^get_property/page(chapter4_new added "")\n&/' "$tree/CMakeLists.txt"
expect 0 "$pdc" run added
prints "new here"

# Several at once in a folder that is not there yet, and one in a tree that was moved.
rm -rf "$tree/build"
for name in succeeds first added; do
  "$pdc" run "$name" >"$scratch/$name" 2>&1 &
done
wait
command_line="three at once" out=$(cat "$scratch"/{succeeds,first,added}) err=''
for line in "succeeds says" "first says" "new here"; do prints "$line"; done
mv "$tree" "$scratch/moved"
mkdir "$tree"
tree="$scratch/moved" pdc="$scratch/moved/pdc"
expect 0 "$pdc" run succeeds
prints "succeeds says"
[[ -z $(ls -A "$scratch/a tree") ]] || fail "it builds in the place where the tree has been"

# A signal ends the tour, with the table, and leaves no process.
for signal in INT TERM; do
  export PID_FILE="$scratch/$signal.pid"
  env --default-signal=INT "$pdc" tour endless >"$scratch/out" 2>&1 &
  tour=$!
  until [[ -s $PID_FILE ]] || ! kill -0 "$tour" 2>/dev/null; do sleep 0.05; done
  kill -s "$signal" "$tour"
  wait "$tour"
  status=$? command_line="pdc tour, SIG$signal" out=$(<"$scratch/out")
  [[ $status == $((128 + $(kill -l "$signal"))) ]] || fail "its status is $status"
  grep -qE '^chapter2_endless/first +ok ' <<<"$out" || fail "its table has no row for the first program"
  grep -qE '^chapter2_endless/endless +interrupted ' <<<"$out" || fail "its table has no row for the interrupted program"
  [[ $out != *never_reached* ]] || fail "it goes on"
  sleeper=$(<"$PID_FILE") || continue
  for ((tries = 100; tries > 0; --tries)); do  # an orphan whose end nobody asks for stays a zombie
    [[ $(cut -d ' ' -f 3 "/proc/$sleeper/stat" 2>/dev/null) == [!Z] ]] || break
    sleep 0.05
  done
  ((tries > 0)) || { fail "process $sleeper is left" && kill "$sleeper"; }
done

# The package tools: a machine where cmake and clang-format are missing.

cat >"$stubs/dpkg-query" <<'END'
#!/bin/sh
printf 'installed %s 1-1\n' g++ ninja-build libboost1.83-dev libboost-json1.83-dev libboost-serialization1.83-dev libcli11-dev libeigen3-dev libfmt-dev \
  libopenmpi-dev openmpi-bin libtbb-dev libpng-dev libhwloc-dev libssl-dev pkg-config libgtest-dev libbenchmark-dev python3 shellcheck git \
  iproute2 munge slurm-wlm mpich libmpich-dev
echo 'not-installed cmake '
END
cat >"$stubs/apt-get" <<'END'
#!/bin/sh
echo "$DEBIAN_FRONTEND apt-get $*" >>"$APT_LOG"
END
printf '#!/bin/sh\nexit 0\n' >"$stubs/apt-cache"
cat >"$stubs/id" <<'END'
#!/bin/sh
echo "$ID"
END
cat >"$stubs/sudo" <<'END'
#!/bin/sh
[ "$1" != -n ] || exit "$SUDO"
"$@"
END
chmod +x "$stubs"/*
export APT_LOG="$scratch/apt" ID=0 SUDO=1

expect 0 "$pdc" setup
prints "installing cmake"
out=$(<"$APT_LOG")
[[ $(wc -l <<<"$out") == 2 && ${out%%$'\n'*} == "noninteractive apt-get "*" update" ]] || fail "it does not update first"
[[ $out == *" install -y --no-remove --no-install-recommends cmake" ]] || fail "it does not install cmake alone"
expect 0 "$pdc" setup --contributor
prints "installing cmake clang-format"
expect 0 "$pdc" setup --bench
prints "installing cmake python3-numpy python3-mpi4py python3-distributed libboost-mpi1.81-dev strace"
: >"$APT_LOG"
export ID=1000
expect 3 "$pdc" setup
complains "apt-get update && apt-get install --no-install-recommends -y cmake"
expect 3 "$pdc" list
complains "apt-get update && apt-get install --no-install-recommends -y cmake"
out=$(<"$APT_LOG") err=''
silent
SUDO=0 expect 0 "$pdc" setup
[[ $(<"$APT_LOG") == *" install "*" cmake" ]] || fail "it does not ask sudo"

# A release that has a newer Boost instead of 1.81.
cat >"$stubs/apt-cache" <<'END'
#!/bin/sh
[ "$1" != show ] && printf '%s\n' libboost1.74-dev libboost1.83-dev libboost1.83-doc
END
sed -i -E 's/libboost[^ ]*-dev//g; s/not-(installed cmake)/\1/' "$stubs/dpkg-query"
ID=0 expect 0 "$pdc" setup
[[ $(<"$APT_LOG") == *" install "*" libboost1.83-dev libboost-json1.83-dev libboost-serialization1.83-dev" ]] || fail "it does not install the Boost on offer"
printf '#!/bin/sh\necho "no such luck"\nexit 100\n' >"$stubs/apt-get"
ID=0 expect 3 "$pdc" setup
[[ $err == *"no such luck"*"pdc: apt-get failed"* ]] || fail "it does not say why"

# A system without apt-get.
elsewhere="$scratch/bin"
mkdir "$elsewhere"
for tool in bash env dirname readlink grep sed cut awk; do ln -s "$(type -P "$tool")" "$elsewhere/"; done
expect 3 env PATH="$elsewhere" "$pdc" setup
complains "no apt-get here: install a C++20 compiler"
expect 3 env PATH="$elsewhere" "$pdc" run succeeds
complains "no apt-get here: install a C++20 compiler"

if ((failures > 0)); then
  echo "$failures failures"
  exit 1
fi
echo "the launcher keeps its promises"
