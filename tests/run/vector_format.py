# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
"""
The format of vectors: what a caller gives to sendmail, and what of it a relay
must get.

The files (vectors/*.json, schema "sendmail-vectors/1") are made so that other
mailers' authors can use them.  Characters of strings are bytes (U+0000 to
U+00FF, Latin-1).  A vector has

  name, why           what it is called, what it is good for
  argv                arguments without argv[0]
  argv0               the name of the program; "sendmail" if left out
  stdin               standard input
  expected            see below
  basis, differs, requires, observed_pass, postfix_observed_exit
                      for the reader

and in "expected"

  exit, exit_accept   the status, and others that are tolerated.  After one of
                      the others that is not 0, nothing may have been queued
                      and nothing else is compared but the output.
  messages            how many are queued
  sender              of the envelope, "" is <>; sender_any_of: one of several
  rcpts               the recipients, as a set, none of them twice;
                      rcpts_superset, rcpts_none_of: when only a part is given
  headers_present     [{name, value | regex, count}]: one field of that name
                      has that value (after the colon and its white space,
                      folds as LF and white space), there are count of them
  headers_absent      names
  body                body_regex: is searched instead
  body_after_unfold   the body when every LF SPACE is deleted
  max_line            octets of the longest line on the wire, without CRLF
                      (998 is always checked)
  no_bare_cr          no CR outside CRLF (is always checked)
  excludes            what may be nowhere in the message
  mail_params_regex, rcpt_params_regex
                      searched in the parameters of MAIL and of every RCPT
  stdout, stderr      stdout_regex, stderr_regex: searched instead.  Without
                      them: success says nothing, failure says one line.
  second, third       the same of further messages, in no order

Our own additions, which other runners need not know:

  config              lines of spoold.conf; without them there are an
                      origin, no aliases and no generic map
  env                 environment variables to set, null: to unset
  queue               a list of {argv, stdin}: the vector runs on a spool of
                      its own that no spoold serves, after these calls; {ID1}
                      is then the id of the first message in it.
                      "messages" counts what the vector adds to it.
  closed_fds          descriptors that are closed
  files               {name: content} in the directory {DIR}
  {REPEAT:N:text}     in stdin, body and body_after_unfold: text N times
  expected.mail_params_absent, rcpt_params_absent
                      a regular expression that is found nowhere there
  expected.rcpt_params {address: regex}
  expected.header_order [names]: these fields, in this order
  expected.header_text the whole header, a line a field, "NAME: *" for any
                      value
  expected.envelope_only  true: the message itself is not looked at

Placeholders, in regular expressions as literal text: {USER} the caller's
login, {FULLNAME} the name of that user, {DOMAIN} the configured origin,
{HOSTNAME}, {UID}, {DIR}.
"""

import json
import re

VECTOR_KEYS = {
    "name", "why", "argv", "argv0", "stdin", "expected", "basis", "differs",
    "requires", "observed_pass", "postfix_observed_exit",
    "config", "env", "queue", "closed_fds", "files",
}
CALL_KEYS = {"exit", "exit_accept", "messages", "stdout", "stdout_regex",
             "stderr", "stderr_regex", "second", "third"}
MESSAGE_KEYS = {
    "sender", "sender_any_of", "rcpts", "rcpts_superset", "rcpts_none_of",
    "headers_present", "headers_absent", "body", "body_regex",
    "body_after_unfold", "max_line", "no_bare_cr", "excludes",
    "mail_params_regex", "rcpt_params_regex", "mail_params_absent",
    "rcpt_params_absent", "rcpt_params", "header_order", "header_text",
    "envelope_only",
}
HEADER_KEYS = {"name", "value", "regex", "count"}
QUEUE_KEYS = {"argv", "stdin"}
REGEX_KEYS = {"stdout_regex", "stderr_regex", "body_regex",
              "mail_params_regex", "rcpt_params_regex", "mail_params_absent",
              "rcpt_params_absent", "regex"}


class VectorError(Exception):
    """A vector is not what this runner understands."""


def unique_object(pairs):
    """An object of JSON, in which a repeated key is a mistake."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise VectorError(f"a key is there twice: {[k for k, _ in pairs]}")
    return result


def check_keys(what, known, where):
    """Refuse keys nobody would look at."""
    unknown = set(what) - known
    if unknown:
        raise VectorError(f"{where}: unknown {', '.join(sorted(unknown))}")


def check_regexes(what, where):
    """Compile all regular expressions in WHAT."""
    for key, value in what.items():
        if key in REGEX_KEYS:
            try:
                re.compile(fill(value, {}, quote=True))
            except re.error as why:
                raise VectorError(f"{where}: {key}: {why}") from why


def check_message(expected, where):
    """Check what is expected of one message."""
    check_regexes(expected, where)
    for header in expected.get("headers_present", []):
        check_keys(header, HEADER_KEYS, where)
        check_regexes(header, where)
        if "name" not in header:
            raise VectorError(f"{where}: a header without name")
    if expected.get("no_bare_cr") is False:
        raise VectorError(f"{where}: no_bare_cr cannot be switched off")


def check_vector(vector):
    """Refuse a vector that would not be run as it is meant."""
    where = vector.get("name", "a vector without name")
    check_keys(vector, VECTOR_KEYS, where)
    for key in ("name", "why", "argv", "stdin", "expected"):
        if key not in vector:
            raise VectorError(f"{where}: no {key}")
    expected = vector["expected"]
    check_keys(expected, CALL_KEYS | MESSAGE_KEYS, where)
    for key in ("exit", "messages"):
        if not isinstance(expected.get(key), int):
            raise VectorError(f"{where}: {key} is no number")
    check_message(expected, where)
    for key in ("second", "third"):
        if key in expected:
            check_keys(expected[key], MESSAGE_KEYS, where)
            check_message(expected[key], where)
    for call in vector.get("queue", []):
        check_keys(call, QUEUE_KEYS, where)
    # Every string is bytes.
    json.dumps(vector, ensure_ascii=False).encode("latin-1")


def read_vectors(paths):
    """All vectors of the files PATHS, in order."""
    vectors, names = [], set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            whole = json.load(file, object_pairs_hook=unique_object)
        if whole.get("schema") != "sendmail-vectors/1":
            raise VectorError(f"{path}: unknown schema")
        for vector in whole["vectors"]:
            check_vector(vector)
            if vector["name"] in names:
                raise VectorError(f"{path}: {vector['name']} is there twice")
            names.add(vector["name"])
            vectors.append(vector)
    return vectors


def fill(text, values, quote=False):
    """TEXT with its placeholders replaced, quoted for a regular expression."""
    def replace(match):
        value = values.get(match.group(1), match.group(0))
        return re.escape(value) if quote else value

    text = re.sub(r"\{REPEAT:(\d+):([^}]*)\}",
                  lambda m: m.group(2) * int(m.group(1)), text)
    return re.sub(r"\{([A-Z]+\d?)\}", replace, text)
