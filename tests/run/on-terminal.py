#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
"""Run a command on a terminal of its own, 80x24, and type into it:

	on-terminal.py OUT [EXPECT TYPE]... -- COMMAND [ARG]...

Each TYPE (\\x03 is ^C, \\x04 ^D) is typed when the regular expression EXPECT has
come after what the one before it matched.  All that came is in OUT then.  Ends
with the command's status, 128 + N for a signal, or 99 after 30 seconds.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

LIMIT_S = 30


def talk(fd, steps, out):
    """Type what is to be typed until the terminal is hung up."""
    seen, at, end = b"", 0, time.monotonic() + LIMIT_S
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            return False
        try:
            got = os.read(fd, 65536)
        except OSError:  # EIO: nobody has it open any more
            got = b""
        if not got:
            return not steps
        seen += got
        out.write(got)
        out.flush()
        while steps:
            match = re.search(steps[0][0], seen[at:])
            if match is None:
                break
            at += match.end()
            os.write(fd, steps.pop(0)[1])


def main():
    gap = sys.argv.index("--")
    path, words, command = sys.argv[1], sys.argv[2:gap], sys.argv[gap + 1:]
    words = [w.encode().decode("unicode_escape").encode("latin-1")
             if i % 2 else w.encode() for i, w in enumerate(words)]
    steps = list(zip(words[::2], words[1::2]))
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with open(path, "wb") as out:
        finished = talk(fd, steps, out)
    if not finished:
        os.kill(pid, 9)
    status = os.waitpid(pid, 0)[1]
    if not finished:
        return 99
    return (os.WEXITSTATUS(status) if os.WIFEXITED(status)
            else 128 + os.WTERMSIG(status))


sys.exit(main())
