#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# validate.py [--lines] SCHEMA FILE...: whether the files, or each of their
# lines, are what the JSON Schema says, and have no member that it does not
# name (readers must skip such; we must describe them).

import json
import sys

import jsonschema


def closed(schema):
    """SCHEMA, with no members but those that it names."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(part) for key, part in schema.items()}
    if schema.get("type") == "object":
        schema["additionalProperties"] = False
    return schema


def documents(path, by_line):
    with open(path, encoding="utf-8") as file:
        if not by_line:
            yield 1, json.load(file)
            return
        for number, line in enumerate(file, 1):
            if line.endswith("\n"):
                yield number, json.loads(line)


def main():
    arguments = sys.argv[1:]
    by_line = arguments[0] == "--lines"
    if by_line:
        del arguments[0]
    with open(arguments[0], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(closed(schema))
    faults = seen = 0
    for path in arguments[1:]:
        for number, document in documents(path, by_line):
            seen += 1
            for error in validator.iter_errors(document):
                where = "/".join(str(part) for part in error.absolute_path)
                print(f"{path}:{number}: {where}: {error.message[:300]}")
                faults += 1
    if seen == 0:
        print("nothing was there")
    return 1 if faults or not seen else 0


sys.exit(main())
