#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run_program.sh [--skip-refused] COMMAND...: passes when the program ends with status 0 and its last line is the verdict.
# (CTest's PASS_REGULAR_EXPRESSION would ignore the status.) --skip-refused: where the machine refuses what the program needs,
# as it says by status 3 and in one line, the test is skipped, by status 77.
set -u
may_skip=''
[[ $1 != --skip-refused ]] || { may_skip=yes && shift; }
output=$("$@")
status=$?
printf '%s\n' "$output"
if [[ $may_skip && $status -eq 3 ]]; then
  echo "skipped: the machine refuses what it needs, see above" >&2
  exit 77
fi
if [ "$status" -ne 0 ]; then
  echo "status $status" >&2
  exit 1
fi
if [ "$(tail -n 1 <<<"$output")" != "all claims hold" ]; then
  echo "status 0, but the last line is not 'all claims hold'" >&2
  exit 1
fi
