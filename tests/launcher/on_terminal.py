#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""on_terminal.py [TEXT KEYS]... -- COMMAND...: runs it on a terminal of 80 columns, types those keys when that text has
come, and ends with its status. Prints all that came on the terminal; a signal's name for keys (SIGTERM) sends that."""

import fcntl
import os
import pty
import signal
import struct
import sys
import termios


def main(words):
    where = words.index("--")
    script, command = list(zip(words[:where:2], words[1:where:2])), words[where + 1:]
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        os.environ["TERM"] = os.environ.get("TERM_HERE", "xterm")
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it
        os.execvp(command[0], command)
    said = unanswered = b""
    while chunk := read(terminal):
        said += chunk
        unanswered += chunk
        if script and script[0][0].encode() in unanswered:
            (_, keys), unanswered = script.pop(0), b""
            if keys.startswith("SIG"):
                os.kill(pid, signal.Signals[keys])
            else:
                os.write(terminal, keys.encode())
    sys.stdout.buffer.write(said)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def read(terminal):
    """What comes next; nothing when all who had it open have ended."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


sys.exit(main(sys.argv[1:]))
