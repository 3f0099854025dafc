#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run_program.sh COMMAND...: passes when the program ends with status 0 and its last line is the verdict.
# (CTest's PASS_REGULAR_EXPRESSION would ignore the status.)
set -u
output=$("$@")
status=$?
printf '%s\n' "$output"
if [ "$status" -ne 0 ]; then
  echo "status $status" >&2
  exit 1
fi
if [ "$(tail -n 1 <<<"$output")" != "all claims hold" ]; then
  echo "status 0, but the last line is not 'all claims hold'" >&2
  exit 1
fi
