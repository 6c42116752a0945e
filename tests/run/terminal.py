#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
"""A program in a terminal of its own, and what happens to it there.

usage: terminal.py ROWS COLUMNS COMMAND... <STEPS

STEPS are lines: "see REGEX" waits for it in what was written since the last
step that was not "see"; "key TEXT" types (Python's escapes), "resize ROWS
COLUMNS", "signal NAME", "stopped" and "ended STATUS" (or "ended NAME" for a
signal) wait for that, "background" and "foreground" say whose the terminal
is, "touch PATH" makes a file, "frame" looks whether the last frame fits, "raw" and
"sane" whether the terminal is the program's or as it was before.  The first
step that fails is said, with the exit status 1.
"""
import ast
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import unicodedata

LIMIT_S = 20
LEAVE = b"\033[?25h\033[?1049l"


def leader(command, report):
    """The session's leader: the command is a job of its, as of a shell's."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: os.tcsetpgrp(0, os.getpgrp()))
    signal.signal(signal.SIGUSR2, lambda *_: os.tcsetpgrp(0, pid))
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.close(report)
        os.execvp(command[0], command)
    os.write(report, b"pid %d\n" % pid)
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED | os.WCONTINUED)
        if os.WIFSTOPPED(status):
            os.write(report, b"stopped\n")
        elif os.WIFEXITED(status):
            os.write(report, b"ended %d\n" % os.WEXITSTATUS(status))
            break
        elif os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name[3:]
            os.write(report, b"ended %s\n" % name.encode())
            break
    # What is in the terminal is read first.
    time.sleep(60)


class Terminal:
    def __init__(self, rows, columns, command):
        r, w = os.pipe()
        self.leader, self.fd = pty.fork()
        if self.leader == 0:
            os.close(r)
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", rows, columns, 0, 0))
            leader(command, w)
            os._exit(0)
        os.close(w)
        self.report = r
        self.before = termios.tcgetattr(self.fd)
        self.rows, self.columns = rows, columns
        self.news = b""
        self.output = b""
        self.mark = 0
        self.pid = int(self.wait_news(rb"pid (\d+)\n").group(1))

    def read(self, timeout):
        ready, _, _ = select.select([self.fd, self.report], [], [], timeout)
        for fd in ready:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if fd == self.fd:
                self.output += data
            else:
                self.news += data

    def wait(self, done):
        end = time.monotonic() + LIMIT_S
        while True:
            found = done()
            if found:
                return found
            if time.monotonic() > end:
                return None
            self.read(0.05)

    def wait_news(self, regex):
        found = self.wait(lambda: re.search(regex, self.news))
        if found:
            self.news = self.news[found.end():]
        return found

    # ---- steps

    def see(self, arg):
        return self.wait(lambda: re.search(
            arg, self.output[self.mark:].decode("utf-8", "replace")))

    def key(self, arg):
        self.mark = len(self.output)
        text = ast.literal_eval('"%s"' % arg)
        return os.write(self.fd, text.encode())

    def resize(self, arg):
        self.mark = len(self.output)
        self.rows, self.columns = map(int, arg.split())
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", self.rows, self.columns, 0, 0))
        return True

    def signal(self, arg):
        self.mark = len(self.output)
        os.kill(self.pid, signal.Signals["SIG" + arg])
        return True

    def background(self, _):
        os.kill(self.leader, signal.SIGUSR1)
        return self.wait(lambda: os.tcgetpgrp(self.fd) == self.leader)

    def foreground(self, _):
        os.kill(self.leader, signal.SIGUSR2)
        return self.wait(lambda: os.tcgetpgrp(self.fd) == self.pid)

    def touch(self, arg):
        with open(arg, "w", encoding="ascii"):
            return True

    def stopped(self, _):
        return self.wait_news(rb"stopped\n")

    def ended(self, arg):
        return self.wait_news(rb"ended %s\n" % arg.encode())

    def raw(self, _):
        return self.wait(
            lambda: not termios.tcgetattr(self.fd)[3] & termios.ICANON)

    def sane(self, _):
        return self.wait(
            lambda: termios.tcgetattr(self.fd) == self.before
            and self.output.rfind(LEAVE) > self.output.rfind(b"\033[?1049h"))

    def frame(self, _):
        """The last whole frame has no more lines and columns than fit."""
        if not self.wait(lambda: self.output.endswith(b"\033[J")):
            return False
        frames = self.output.split(b"\033[H")
        frame = [f for f in frames if f.endswith(b"\033[J")][-1][:-3]
        # The terminal makes CR LF of LF.
        lines = re.split("\r*\n", frame.decode())
        if len(lines) > self.rows:
            print("%d lines" % len(lines))
            return False
        for line in lines:
            plain = re.sub(r"\033\[[0-9;]*[mK]", "", line)
            if len(plain) > self.columns or any(
                    unicodedata.category(c) == "Cc" for c in plain):
                print("%d columns: %r" % (len(plain), plain))
                return False
        return True


def main():
    rows, columns = map(int, sys.argv[1:3])
    t = Terminal(rows, columns, sys.argv[3:])
    status = 0
    for line in sys.stdin:
        step, _, arg = line.strip().partition(" ")
        if not getattr(t, step)(arg):
            print("failed: %s\nlast output: %r" %
                  (line.strip(), t.output[-2000:]))
            status = 1
            break
    for pid in t.pid, t.leader:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os.waitpid(t.leader, 0)
    sys.exit(status)


main()
