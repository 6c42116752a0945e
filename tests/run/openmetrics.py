#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
"""Whether standard input is OpenMetrics text, strictly.

Prints each sample as NAME{LABELS}=VALUE; says what is wrong and exits 1.
No samples have times; types are those that Prometheus' older format has too.
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (-?[0-9]+(?:\.[0-9]+)?)$" %
                    (NAME, LABEL, LABEL))


def check(text):
    if not text.endswith("\n# EOF\n"):
        raise ValueError("the end is missing")
    families = {}
    seen = set()
    current = None
    for line in text[:-len("# EOF\n")].splitlines():
        m = re.fullmatch(r"# (TYPE|UNIT|HELP) (%s) (\S.*)" % NAME, line)
        if m:
            what, name, value = m.groups()
            if what == "TYPE":
                if name in families:
                    raise ValueError("family twice: " + line)
                if value not in ("gauge", "counter"):
                    raise ValueError("type: " + line)
                current = name
                families[name] = {}
            family = families.get(name)
            if name != current or what in family or "samples" in family:
                raise ValueError("out of place: " + line)
            if what == "UNIT" and not name.endswith("_" + value):
                raise ValueError("unit: " + line)
            family[what] = value
            continue
        m = SAMPLE.fullmatch(line)
        if not m:
            raise ValueError("no sample: %r" % line)
        name, labels, value = m.groups()
        is_counter = families[current]["TYPE"] == "counter"
        if name != current + ("_total" if is_counter else ""):
            raise ValueError("not of %s: %s" % (current, line))
        if is_counter and float(value) < 0:
            raise ValueError("counter: " + line)
        if (name, labels) in seen:
            raise ValueError("sample twice: " + line)
        seen.add((name, labels))
        families[current]["samples"] = True
        print("%s{%s}=%s" % (name, labels or "", value))
    for name, family in families.items():
        if "HELP" not in family:
            raise ValueError("no help: " + name)


def main():
    text = sys.stdin.buffer.read().decode("utf-8")
    try:
        check(text)
    except (ValueError, KeyError) as error:
        print("openmetrics: %s" % error, file=sys.stderr)
        sys.exit(1)


main()
