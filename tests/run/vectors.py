#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
"""
Run vectors: what a caller gives to sendmail, and what of it a relay must get.

A vector is a command line, the bytes of standard input and what is expected
of them.  It is run end to end: sendmail into a spool, from there through
spoold and spoold-smtp to an SMTP server that keeps what it is sent.  One case
of TAP for each vector, without a number, is the output; every difference is a
comment below it.

vector_format.py says how a vector is written.
"""

import argparse
import json
import os
import pwd
import re
import socket
import subprocess
import sys
import time

from vector_compare import (check_itself, compare_messages, compare_output,
                            differ, read_message, short)
from vector_format import VectorError, fill, read_vectors

CALL_LIMIT_S = 60
DELIVERY_LIMIT_S = 15


def caller():
    """The login and the full name of the user that runs this."""
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError:
        return f"uid{os.getuid()}", ""
    name = user.pw_gecos.split(",")[0]
    return user.pw_name, name.replace("&", user.pw_name.capitalize())


class Result:
    """What a call of sendmail came to."""

    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout.decode("latin-1")
        self.err = process.stderr.decode("latin-1")


class Runner:
    """Runs vectors with the programs and directories of OPTIONS."""

    def __init__(self, options):
        self.options = options
        login, name = caller()
        self.values = {
            "USER": login,
            "UID": str(os.getuid()),
            "FULLNAME": name,
            "DOMAIN": options.origin,
            "HOSTNAME": socket.getfqdn(),
            "DIR": options.work,
        }
        self.seen = set()
        self.config_number = 0

    def lacks(self, vector):
        """What VECTOR needs and this machine does not have, or None."""
        needs_name = "{FULLNAME}" in json.dumps(vector)
        if needs_name and not self.values["FULLNAME"]:
            return f"{self.values['USER']} has no full name"
        return None

    def environment(self, vector):
        """Little but what sanitizers and the search for programs need."""
        env = {k: v for k, v in os.environ.items()
               if k not in ("NAME", "EMAIL", "MAILUSER", "HOME")}
        env.update(USER="mallory", LOGNAME="mallory")
        for key, value in vector.get("env", {}).items():
            if value is None:
                env.pop(key, None)
            else:
                env[key] = fill(value, self.values)
        return env

    def config(self, vector):
        """The path of a configuration as the vector wants it."""
        self.config_number += 1
        path = os.path.join(self.options.work, f"conf{self.config_number}")
        lines = [fill(line, self.values) for line in vector.get("config", [])]
        own = {line.split("=")[0].strip() for line in lines}
        # Never the machine's own files.
        for key, value in (("origin", self.options.origin),
                           ("aliases", "none"), ("generic", "none")):
            if key not in own:
                lines.append(f'{key} = "{value}"')
        with open(path, "w", encoding="latin-1") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def program(self, name):
        """A link called NAME to sendmail."""
        path = os.path.join(self.options.work, "bin", name)
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(self.options.sendmail, path)
        return path

    def call(self, vector, call, spool, config):
        """Run sendmail as CALL says."""
        argv = [self.program(vector.get("argv0", "sendmail")),
                "-C", config, "--spool", spool]
        argv += [fill(a, self.values) for a in call["argv"]]

        def close_descriptors():
            for number in vector.get("closed_fds", []):
                os.close(number)

        return Result(subprocess.run(
            [a.encode("latin-1") for a in argv],
            input=fill(call["stdin"], self.values).encode("latin-1"),
            capture_output=True, timeout=CALL_LIMIT_S, check=False,
            env=self.environment(vector), preexec_fn=close_descriptors,
            cwd=self.options.work))

    def arrived(self):
        """The messages that the server got since the last call."""
        names = {n[:-4] for n in os.listdir(self.options.sink)
                 if n.endswith(".eml")}
        messages = {}
        for name in sorted(names - self.seen):
            read_message(os.path.join(self.options.sink, name), messages)
        self.seen = names
        return list(messages.values())

    def drain(self):
        """Wait until the queue is empty; what was wrong with that."""
        queue = os.path.join(self.options.spool, "queue")
        failed = os.path.join(self.options.spool, "failed")
        end = time.monotonic() + DELIVERY_LIMIT_S
        while os.listdir(queue):
            if time.monotonic() > end:
                return self.discard(queue, "still in the queue")
            time.sleep(0.001)
        return self.discard(failed, "failed")

    @staticmethod
    def discard(directory, what):
        """Remove all messages in DIRECTORY, and report them as WHAT."""
        found = []
        for name in sorted(os.listdir(directory)):
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                text = file.read(2000).decode("latin-1")
            found.append(f"{what}: {name}: {short(text)}")
            os.unlink(path)
        return found

    def own_spool(self, vector, config):
        """Make a spool and put the vector's queue into it."""
        self.config_number += 1
        spool = os.path.join(self.options.work, f"spool{self.config_number}")
        for name in ("", "tmp", "queue", "hold", "failed"):
            os.mkdir(os.path.join(spool, name), 0o700)
        for number, call in enumerate(vector["queue"], 1):
            before = set(os.listdir(os.path.join(spool, "queue")))
            plain = {k: v for k, v in vector.items() if k != "argv0"}
            result = self.call(plain, call, spool, config)
            if result.status != 0:
                raise VectorError(f"cannot prepare the queue: {result.err!r}")
            added = set(os.listdir(os.path.join(spool, "queue"))) - before
            for name in added:
                self.values[f"ID{number}"] = name
        return spool

    def write_files(self, vector):
        """The files that the vector wants."""
        for name, text in vector.get("files", {}).items():
            path = os.path.join(self.options.work, name)
            with open(path, "w", encoding="latin-1") as file:
                file.write(fill(text, self.values))

    def run(self, vector):
        """Run VECTOR; its differences."""
        expected = vector["expected"]
        self.write_files(vector)
        config = self.config(vector)
        if "queue" in vector:
            return self.run_on_own_spool(vector, config)
        result = self.call(vector, vector, self.options.spool, config)
        found = self.drain()
        messages = self.arrived()
        found += self.compare_call(expected, result, len(messages))
        if result.status == expected["exit"]:
            found += compare_messages(expected, messages, self.values)
        return found

    def run_on_own_spool(self, vector, config):
        """Run it where nothing is delivered."""
        spool = self.own_spool(vector, config)
        queue = os.path.join(spool, "queue")
        before = len(os.listdir(queue))
        result = self.call(vector, vector, spool, config)
        return self.compare_call(vector["expected"], result,
                                 len(os.listdir(queue)) - before)

    def compare_call(self, expected, result, count):
        """Status, output, and how many messages there are."""
        found = []
        accepted = {expected["exit"], *expected.get("exit_accept", [])}
        if result.status not in accepted:
            found += differ("status", result.status, sorted(accepted))
        want = expected["messages"]
        if result.status != expected["exit"] and result.status != 0:
            want = 0
        if count != want:
            found += differ("messages", count, want)
        for name, got in (("stdout", result.out), ("stderr", result.err)):
            found += compare_output(expected, name, got, result.status,
                                    self.values)
        return found


def report(name, found):
    """A case of TAP."""
    print(("not ok - " if found else "ok - ") + name)
    for line in found:
        print("# " + line)
    sys.stdout.flush()


def main():
    """Run all vectors of the files, or those that --only names."""
    parser = argparse.ArgumentParser()
    for name in ("sendmail", "spool", "sink", "origin", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--slow", type=float, default=None)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    report("the runner sees a difference in everything", check_itself())
    vectors = read_vectors(options.files)
    runner = Runner(options)
    for vector in vectors:
        if not re.search(options.only, vector["name"]):
            continue
        lack = runner.lacks(vector)
        if lack is not None:
            report(f"{vector['name']} # SKIP {lack}", [])
            continue
        start = time.monotonic()
        try:
            found = runner.run(vector)
        except (VectorError, OSError, subprocess.TimeoutExpired) as why:
            found = [f"cannot run it: {why}"]
        if found:
            found.insert(0, vector["why"])
        report(vector["name"], found)
        took = time.monotonic() - start
        if options.slow is not None and took > options.slow:
            print(f"# took {took:.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
