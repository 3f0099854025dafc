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
last_line() { [[ ${out##*$'\n'} == "$1" ]] || fail "its last line is not '$1'"; }
complains() { [[ $err == "pdc: "*"$1"* && $err != *$'\n'* ]] || fail "stderr is not the one line 'pdc: ... $1'"; }
silent() { [[ -z $out$err ]] || fail "it is not silent"; }

# expect_on_terminal STATUS [TEXT KEYS]... -- COMMAND...: the same on a terminal; all that came on it goes to $out.
expect_on_terminal() {
  expect "$1" python3 -B "$here/on_terminal.py" "${@:2}"
  out=${out//$'\r\n'/$'\n'} out=${out%$'\r'}
}

# until_says FILE TEXT: waits until the process that $! names has written that, or has ended.
until_says() {
  until grep -qF "$2" "$1" 2>/dev/null || ! kill -0 $! 2>/dev/null; do sleep 0.05; done
}

# The real tree, from another folder, and through a link.

pdc="$root/pdc"
mkdir "$scratch/elsewhere"
ln -s "$pdc" "$scratch/elsewhere/link"
cd "$scratch/elsewhere" || exit 1

expect 0 "$pdc" list
names=$(sed -n -E 's/^ *\{"name": "([^"]*)".*/\1/p' "$root/build/release/catalog.json")
for name in $names; do prints "  $name "; done
[[ -n $names && $(grep -c '^  ' <<<"$out") == $(wc -w <<<"$names") ]] || fail "it does not list every program once"

expect 0 "$pdc" list first
[[ $(grep -c '^  ' <<<"$out") == 5 && $(grep -c '^chapter' <<<"$out") == 5 ]] || fail "it does not list one program of each chapter"
expect 0 sh "$pdc" list 1
prints "  hello "

expect 0 ./link run lost_update --quiet
prints "all claims hold"
expect 0 ./link run chapter2_threads/lost_update --quiet --svg picture.svg
[[ -s picture.svg ]] || fail "the picture is not where the command was given"
expect 0 "$pdc" run lost_update --help
prints "--threads"
expect 2 "$pdc" run lost_update --threads 0
expect 2 "$pdc" run lost_update -np 2
complains "lost_update is no MPI program"
expect 0 "$pdc" run Lost_Update --quiet
expect 2 "$pdc" barrier --threads 3
complains "did you mean ./pdc run barrier?"
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
expect 0 "$pdc" exercise
prints "lock "
expect 2 "$pdc" exercise lokc
complains "did you mean lock?"
expect 2 "$pdc" check xyzzy
complains "./pdc exercise shows them all"
expect 0 "$pdc" topics hazards
prints "deadlock"
expect 2 "$pdc" topics xyzzy
complains "there are problems"
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
expect 0 "$pdc" env
settings=$out
# shellcheck disable=SC2016
expect 0 env -i HOME="$HOME" PATH="$PATH" sh -c "$settings"'
  mpirun -np 5 "$0" --quiet' "$root/build/release/chapter4_mpi/scatter"
prints "all claims hold"
if command -v apt-get >/dev/null; then
  expect 0 "$pdc" setup
  prints "nothing to do"
fi
expect 2 "$pdc" setup --everything
complains "--contributor"
"$pdc" doctor >"$scratch/out" 2>&1
out=$(<"$scratch/out") command_line="pdc doctor"  # its status is this machine's affair
for line in g++ cmake ninja-build libboost1.81-dev libtbb-dev processors mpirun "network namespaces"; do prints " $line "; done

# What the build refuses.

mkdir "$scratch/source" "$scratch/chapter"
cp "$root/CMakeLists.txt" "$scratch/source/"
expect 1 cmake -G Ninja -S "$scratch/source" -B "$scratch/source"
[[ $err == *"Build in another folder"* ]] || fail "it does not say why"
[[ $(cd "$scratch/source" && echo *) == "CMakeCache.txt CMakeFiles CMakeLists.txt" ]] || fail "it leaves more than it says"
cat >"$scratch/chapter/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(siblings LANGUAGES NONE)
include("$root/common/cmake/PdcProgram.cmake")
set_property(DIRECTORY PROPERTY PDC_PROGRAMS client server)
set_property(DIRECTORY PROPERTY PDC_SIBLINGS server sevrer)
pdc_no_orphans()
END
expect 1 cmake -G Ninja -S "$scratch/chapter" -B "$scratch/chapter/build"
[[ $err == *"sevrer: SIBLINGS that are no pdc_program()"* ]] || fail "it does not say why"

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
function(page chapter name ranks siblings)
  set(page "${CMAKE_BINARY_DIR}/${chapter}/${name}")
  add_custom_target(${chapter}.${name} COMMAND install -D "${CMAKE_SOURCE_DIR}/${name}.sh" "${page}" VERBATIM)
  set(first FALSE)
  if(name STREQUAL "succeeds")
    set(first TRUE)
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY CATALOG "${name}\t${chapter}\t${ranks}\t${siblings}\t${first}\ta \"${name}\" page\n")
endfunction()
page(chapter1_plain fails - -)
page(chapter1_plain does_not_build - -)
page(chapter1_plain succeeds - -)
page(chapter2_endless opens - -)
page(chapter2_endless endless - -)
page(chapter2_endless never_reached - -)
page(chapter3_ranks any "1 2 3 5" -)
page(chapter3_ranks few "1 2" -)
page(chapter3_ranks many "6 8" -)
page(chapter4_others starter - "second third")
page(chapter4_others second - starter)
page(chapter4_others third - -)
page(chapter5_talk chatty - -)
page(chapter5_talk never_heard - -)
get_property(catalog GLOBAL PROPERTY CATALOG)
file(WRITE "${CMAKE_BINARY_DIR}/catalog.tsv" "${catalog}")
END
for name in succeeds opens never_reached any few many second third never_heard; do
  printf '#!/bin/sh\necho "%s says $*"\n' "$name" >"$tree/$name.sh"
done
printf '#!/bin/sh\necho "fails says so"\nexit 7\n' >"$tree/fails.sh"
cat >"$tree/endless.sh" <<'END'
#!/bin/sh
sleep 600 &
echo $! >"$PID_FILE.new" && mv "$PID_FILE.new" "$PID_FILE"
wait
END
cat >"$tree/starter.sh" <<'END'
#!/bin/sh
"$(dirname "$0")/second" started && "$(dirname "$0")/third" started
END
cat >"$tree/chatty.sh" <<'END'
#!/bin/sh
seq 100000 || echo "chatty: Broken pipe" >&2
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
  prints "[1/3] chapter1_plain/fails"
  prints "fails says so"
  prints "succeeds says"
  for row in "fails +failed, status 7" "does_not_build +does not build" "succeeds +ok"; do
    grep -qE "^chapter1_plain/$row +[0-9]+\.[0-9] s$" <<<"$out" || fail "its table has no row '$row'"
  done
  last_line "1 ok, 2 failed: chapter1_plain/fails, chapter1_plain/does_not_build"
done
rm -rf "$tree/build/release/chapter1_plain"
expect 1 "$pdc" tour plain --all
[[ $err == "[1/3] compiling 3 programs ..."$'\n'* ]] || fail "it does not build all of them first"
last_line "1 ok, 2 failed: chapter1_plain/fails, chapter1_plain/does_not_build"
expect 0 "$pdc" tour --all first
last_line "1 ok"
expect 2 "$pdc" tour first plain
complains "one chapter"
expect 7 "$pdc" run fails
expect 0 "$pdc" run succeeds --one 'two words' -- -np
prints "succeeds says --one two words -np"
expect 1 "$pdc" run does_not_build
[[ $err == *does_not_build.sh*"pdc: does_not_build does not build"* ]] || fail "it does not say why it does not build"

expect 0 "$pdc" run SUCCEEDS
expect 0 "$pdc" run chapter1_plain/succeeds

# What a program starts is built, too.
for how in "tour others" "run starter"; do
  rm -rf "$tree/build/release/chapter4_others"
  expect 0 "$pdc" "${how% *}" "${how#* }"
  prints "third says started"
done

expect 0 "$pdc" tour ranks
last_line "3 ok"
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
sed -i 's/^get_property/page(chapter6_new added - -)\n&/' "$tree/CMakeLists.txt"
expect 0 "$pdc" run added
prints "new here"

# The reader of a pipe leaves, and nobody complains.
for how in "tour talk" "run chatty"; do
  command_line="pdc $how | head -n 1"
  out=$("$pdc" "${how% *}" "${how#* }" 2>"$scratch/err" | head -n 1; echo "status ${PIPESTATUS[0]}")
  err=$(grep -v '^\[1/1\] compiling' "$scratch/err")
  [[ $out == *$'\n'"status 141" && -z $err ]] || fail "it does not end quietly with 141"
done
expect 0 "$pdc" tour talk
prints "never_heard says"

# On a terminal: how far a build is, and a pause after each program of a tour.
rm -rf "$tree/build/release/chapter1_plain"
expect_on_terminal 0 -- "$pdc" run succeeds
prints "[1/1] compiling succeeds"
[[ $out == *"succeeds says " ]] || fail "it does not run"
TERM_HERE=dumb expect_on_terminal 0 -- "$pdc" run succeeds
[[ $out == "[1/1] compiling succeeds ..."$'\n'"succeeds says " ]] || fail "a dumb terminal gets more than words"
expect_on_terminal 0 -- "$pdc" tour ranks --all
[[ $out != *Enter* ]] || fail "it stops"
expect_on_terminal 0 "q: end" $'\r' "q: end" $'x\r' -- "$pdc" tour ranks
last_line "3 ok"
[[ $(grep -o Enter <<<"$out" | wc -l) == 3 ]] || fail "it does not ask twice, and again after another key"
for key in q Q $'\x04'; do
  expect_on_terminal 0 "q: end" "$key" -- "$pdc" tour ranks
  last_line "1 ok, 2 not run"
done
expect_on_terminal 1 "q: end" q -- "$pdc" tour plain
last_line "0 ok, 1 failed: chapter1_plain/fails, 2 not run"
expect_on_terminal 130 "q: end" $'\x03' -- "$pdc" tour ranks
last_line "1 ok, 2 not run"
expect_on_terminal 143 "q: end" SIGTERM -- "$pdc" tour ranks
last_line "1 ok, 2 not run"
mkdir "$scratch/slow"
cat >"$scratch/slow/ninja" <<'END'
#!/bin/sh
printf '[1/5 5.01] one\n[2/5 10.99] two\ninfo.cpp:1: warning: look\n'
END
chmod +x "$scratch/slow/ninja"
PATH="$scratch/slow:$PATH" expect_on_terminal 0 -- "$pdc" run succeeds
prints "[2/5] compiling succeeds, about 16 s left"
prints "warning: look"
PATH="$scratch/slow:$PATH" expect 0 "$pdc" run succeeds
[[ $err == "[1/5] compiling succeeds ..."$'\n'"info.cpp:1: warning: look" ]] || fail "it does not say once that it compiles"

# Two at once: the second says for whom it waits, `list` does not wait.
mkfifo "$scratch/gate"
cat >"$scratch/slow/ninja" <<'END'
#!/bin/sh
echo "it builds" >"$STARTED"
cat "$GATE"
END
GATE="$scratch/gate" STARTED="$scratch/started" PATH="$scratch/slow:$PATH" "$pdc" run succeeds >/dev/null 2>&1 &
builder=$!
until_says "$scratch/started" "it builds"
expect 0 "$pdc" list plain
prints "  succeeds "
"$pdc" run opens >"$scratch/out" 2>"$scratch/err" &
until_says "$scratch/err" "waiting"
echo >"$scratch/gate"
wait
command_line="pdc run opens, while another builds" out=$(<"$scratch/out") err=$(grep -v '^\[1/1\]' "$scratch/err")
complains "another ./pdc (process $builder, \`./pdc run succeeds\`) is building here: waiting for it"
prints "opens says"

# Where it cannot build, it says so before it begins.
TMPDIR="$scratch/nowhere" expect 3 "$pdc" tour
complains "cannot write to TMPDIR=$scratch/nowhere"
# shellcheck disable=SC2016
for name in "Anna's book" 'R&D' 'C# course' 'a;b' 'a"b' 'a[b]' 'a*b' 'a\b' 'a|b' $'a\nb' 'a$b' 'a`b' 'a<b>' 'a?b' 'a^b'; do
  mkdir "$scratch/$name"
  cp "$pdc" "$scratch/$name/"
  expect 3 "$scratch/$name/pdc" run succeeds
  complains "give the folder a plainer name"
  [[ $(ls -A "$scratch/$name") == pdc ]] || fail "it leaves something"
done
name="Jürgens Bücher (2), 50% + ~x=y@z!{1}:日"
cp -r "$tree" "$scratch/$name"
expect 0 "$scratch/$name/pdc" run succeeds
prints "succeeds says"

# Several at once in a folder that is not there yet, and one in a tree that was moved.
rm -rf "$tree/build"
for name in succeeds opens added; do
  "$pdc" run "$name" >"$scratch/$name" 2>&1 &
done
wait
command_line="three at once" out=$(cat "$scratch"/{succeeds,opens,added}) err=''
for line in "succeeds says" "opens says" "new here"; do prints "$line"; done
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
  grep -qE '^chapter2_endless/opens +ok ' <<<"$out" || fail "its table has no row for the first program"
  grep -qE '^chapter2_endless/endless +interrupted ' <<<"$out" || fail "its table has no row for the interrupted program"
  [[ $out != *never_reached* ]] || fail "it goes on"
  last_line "1 ok, 2 not run"
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
printf 'installed %s 1-1\n' g++ ninja-build libboost1.83-dev libboost-json1.83-dev libboost-serialization1.83-dev libeigen3-dev libfmt-dev \
  libopenmpi-dev openmpi-bin libtbb-dev libpng-dev libhwloc-dev libssl-dev pkg-config libgtest-dev libexpat1-dev libbenchmark-dev python3 python3-pytest python3-psutil python3-markdown-it shellcheck git \
  iproute2 debootstrap munge slurm-wlm mpich libmpich-dev
echo 'not-installed cmake '
END
cat >"$stubs/apt-get" <<'END'
#!/bin/sh
echo "$DEBIAN_FRONTEND apt-get $*" >>"$APT_LOG"
[ "$*" != "${*#*--assume-no}" ] || exit 0
printf 'Need to get %s of archives.\nAfter this operation, %s of additional disk space will be used.\n' "177 MB" "1,812 MB"
exit 1
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

expect 3 "$pdc" doctor
grep -qE '^missing +cmake +./pdc setup installs it$' <<<"$out" || fail "it does not say what is missing"
expect 0 "$pdc" setup
prints "installing cmake"
prints "177 MB to fetch, 1812 MB on the disk: about 8 min"
grep -qxE 'installed in [0-9]+ s' <<<"$out" || fail "it does not say when it has done"
out=$(<"$APT_LOG")
[[ $(wc -l <<<"$out") == 3 && ${out%%$'\n'*} == "noninteractive apt-get "*" update" ]] || fail "it does not update first"
[[ $out == *" install --no-remove --no-install-recommends -y cmake" ]] || fail "it does not install cmake alone"
expect 0 "$pdc" setup --contributor
prints "installing cmake clang-format"
expect 0 "$pdc" setup --bench
prints "installing cmake python3-numpy python3-mpi4py python3-distributed libboost-mpi1.81-dev strace"
expect 0 "$pdc" setup --book
prints "installing python3-sphinx python3-pygments python3-stemmer chromium"
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
sed -i -E 's/1[.]83-dev/1.74-dev/g; s/not-(installed cmake)/\1/' "$stubs/dpkg-query"
expect 3 "$pdc" doctor
grep -qE '^missing +libboost1.81-dev +./pdc setup installs it$' <<<"$out" || fail "an old Boost will do for it"
ID=0 expect 0 "$pdc" setup
[[ $(<"$APT_LOG") == *" install "*" libboost1.83-dev libboost-json1.83-dev libboost-serialization1.83-dev" ]] || fail "it does not install the Boost on offer"
printf '#!/bin/sh\necho "no such luck"\nexit 100\n' >"$stubs/apt-get"
ID=0 expect 3 "$pdc" setup
[[ $err == *"no such luck"*"pdc: apt-get failed"* ]] || fail "it does not say why"

# A system without apt-get.
elsewhere="$scratch/bin"
mkdir "$elsewhere"
for tool in bash env dirname readlink grep sed cut awk cat nproc; do ln -s "$(type -P "$tool")" "$elsewhere/"; done
expect 3 env PATH="$elsewhere" "$pdc" setup
complains "no apt-get here: install a C++20 compiler"
expect 3 env PATH="$elsewhere" "$pdc" run succeeds
complains "no apt-get here: install a C++20 compiler"
expect 3 env PATH="$elsewhere" "$pdc" doctor
grep -qE '^missing +mpirun +install it' <<<"$out" || fail "it does not say what is missing"
[[ $out != *"pdc setup"* && $out != *"no  "*mpirun* ]] || fail "it says what is of no use here"

if ((failures > 0)); then
  echo "$failures failures"
  exit 1
fi
echo "the launcher keeps its promises"
