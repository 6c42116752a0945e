#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
"""Serve DIR to a browser, and write down each path that it asks for.

usage: report-server.py DIR PORTFILE LOG
"""
import functools
import http.server
import os
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        with open(sys.argv[3], "a", encoding="utf-8") as log:
            log.write(self.requestline + "\n")


def main():
    server = http.server.HTTPServer(
        ("127.0.0.1", 0),
        functools.partial(Handler, directory=sys.argv[1]))
    with open(sys.argv[2] + ".new", "w", encoding="ascii") as f:
        f.write("%d\n" % server.server_port)
    os.rename(sys.argv[2] + ".new", sys.argv[2])
    server.serve_forever()


main()
