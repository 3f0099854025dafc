# SPDX-License-Identifier: MIT
"""Becomes the program that its arguments name, with what no program may mind to inherit.

All signals are blocked, those that it may rely on are ignored, and it has two children that it
never started: one has ended, the other lives as long as the program.
"""

import os
import select
import signal
import sys

if os.fork() == 0:
    os._exit(0)
program = os.pidfd_open(os.getpid())
if os.fork() == 0:
    os.dup2(program, 0)
    os.closerange(1, 1024)
    select.select([0], [], [])  # readable when the program has ended
    os._exit(0)
for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execv(sys.argv[1], sys.argv[1:])
