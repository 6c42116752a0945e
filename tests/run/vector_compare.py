# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
"""
What a relay got, and how it differs from what a vector expects; and the proof
that a difference in anything is seen.
"""

import itertools
import re

from vector_format import MESSAGE_KEYS, VectorError, check_vector, fill

LINE_MAX = 998


class Message:
    """A message as the server got it, in one or several transactions."""

    def __init__(self, sender, data):
        self.sender = sender
        self.data = data
        self.rcpts = []
        self.mail_params = []
        self.rcpt_params = []
        text = data.replace("\r\n", "\n")
        if text.startswith("\n"):
            head, self.body = "", text[1:]
        else:
            head, found, self.body = text.partition("\n\n")
            head += "\n" if found else ""
        self.fields = []
        for line in re.findall(r"[^\n]*\n(?:[ \t][^\n]*\n)*", head):
            name, _, value = line[:-1].partition(":")
            if name.strip().lower() != "received":
                self.fields.append((name.rstrip(), value.lstrip(" \t")))

    def values(self, name):
        """The values of all fields NAME."""
        return [v for n, v in self.fields if n.lower() == name.lower()]


PATH = re.compile(r"(mail|rcpt) <(.*)> ((?:[A-Za-z0-9-]+(?:=\S*)? ?)*)", re.S)


def read_message(path, messages):
    """Read one transaction at PATH (without .eml) into the dict MESSAGES."""
    with open(path + ".eml", "rb") as file:
        data = file.read().decode("latin-1")
    with open(path + ".env", "rb") as file:
        lines = file.read().decode("latin-1").split("\n")
    paths = []
    for line in lines:
        if line.startswith(("mail ", "rcpt ")):
            match = PATH.fullmatch(line)
            if match is None:
                raise VectorError(f"cannot read the envelope line {line!r}")
            paths.append(match)
    sender = paths[0].group(2)
    message = messages.setdefault((sender, data), Message(sender, data))
    message.mail_params.append(paths[0].group(3))
    for rcpt in paths[1:]:
        message.rcpts.append(rcpt.group(2))
        message.rcpt_params.append(rcpt.group(3))


# ---- comparing ----------------------------------------------------------

def short(value):
    """VALUE for a person to look at."""
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:400]}...{text[-180:]}"


def differ(what, got, want):
    """A difference in one line or two."""
    return [f"{what}: got  {short(got)}", f"{what}: want {short(want)}"]


def is_any_field(pattern):
    """Whether a line of header_text is "NAME: *"."""
    return pattern.endswith(": *")


class Comparison:
    """Collects how a message differs from what is expected of it."""

    def __init__(self, expected, message, values):
        self.want = expected
        self.message = message
        self.values = values
        self.found = []

    def plain(self, text):
        """TEXT of the vector, as it is to be."""
        return fill(text, self.values)

    def searches(self, regex, text):
        """Whether REGEX of the vector is found in TEXT."""
        return re.search(fill(regex, self.values, quote=True), text)

    def compare(self):
        """All differences."""
        self.envelope()
        self.parameters()
        if not self.want.get("envelope_only"):
            self.fields()
            self.layout()
            self.body()
        self.wire()
        return self.found

    def envelope(self):
        """Sender and recipients."""
        want, message = self.want, self.message
        if "sender" in want and message.sender != self.plain(want["sender"]):
            self.found += differ("sender", message.sender,
                                 self.plain(want["sender"]))
        senders = [self.plain(s) for s in want.get("sender_any_of", [])]
        if senders and message.sender not in senders:
            self.found += differ("sender", message.sender, senders)
        got = sorted(message.rcpts)
        if "rcpts" in want:
            exact = sorted(self.plain(r) for r in want["rcpts"])
            if got != exact:
                self.found += differ("recipients", got, exact)
        part = {self.plain(r) for r in want.get("rcpts_superset", [])}
        if not part <= set(got):
            self.found += differ("recipients", got, f"with {sorted(part)}")
        none = {self.plain(r) for r in want.get("rcpts_none_of", [])}
        if none & set(got):
            self.found += differ("recipients", got, f"none of {sorted(none)}")
        if len(got) != len(set(got)):
            self.found.append(f"recipients: one is there twice: {got}")

    def parameters(self):
        """What follows the addresses of MAIL and RCPT."""
        want, message = self.want, self.message
        for key, lines in (("mail_params", message.mail_params),
                           ("rcpt_params", message.rcpt_params)):
            regex = want.get(key + "_regex")
            absent = want.get(key + "_absent")
            for line in lines:
                if regex and not self.searches(regex, line):
                    self.found += differ(key, line, f"/{regex}/")
                if absent and self.searches(absent, line):
                    self.found += differ(key, line, f"no /{absent}/")
        by_address = dict(zip(message.rcpts, message.rcpt_params))
        for address, regex in want.get("rcpt_params", {}).items():
            line = by_address.get(self.plain(address))
            if line is None or not self.searches(regex, line):
                self.found += differ(f"parameters of {address}", line,
                                     f"/{regex}/")

    def fields(self):
        """The fields that are there, and those that are not."""
        for header in self.want.get("headers_present", []):
            values = self.message.values(header["name"])
            if len(values) != header.get("count", max(len(values), 1)):
                self.found += differ(f"fields {header['name']}", values,
                                     header.get("count", "one at least"))
            if "value" in header and \
                    self.plain(header["value"]) not in values:
                self.found += differ(header["name"], values,
                                     self.plain(header["value"]))
            if "regex" in header and not any(
                    self.searches(header["regex"], v) for v in values):
                self.found += differ(header["name"], values,
                                     f"/{header['regex']}/")
        for name in self.want.get("headers_absent", []):
            if self.message.values(name):
                self.found += differ(name, self.message.values(name),
                                     "no such field")

    def layout(self):
        """The order of fields, or the whole header."""
        names = [n for n, _ in self.message.fields]
        order = self.want.get("header_order")
        if order is not None:
            asked = {name.lower() for name in order}
            got = [n for n in names if n.lower() in asked]
            if [n.lower() for n in got] != [n.lower() for n in order]:
                self.found += differ("order of fields", got, order)
        text = self.want.get("header_text")
        if text is None:
            return
        lines = re.findall(r"[^\n]*\n(?:[ \t][^\n]*\n)*", self.plain(text))
        want = [line[:-1] for line in lines]
        got = [f"{n}: {v}" for n, v in self.message.fields]
        same = len(want) == len(got) and all(
            g.lower().startswith(w[:-1].lower()) if is_any_field(w) else g == w
            for g, w in zip(got, want))
        if not same:
            self.found += differ("header", got, want)

    def body(self):
        """The body, in one of three forms."""
        want, body = self.want, self.message.body
        if "body" in want and body != self.plain(want["body"]):
            self.found += differ("body", body, self.plain(want["body"]))
        regex = want.get("body_regex")
        if regex and not self.searches(regex, body):
            self.found += differ("body", body, f"/{regex}/")
        if "body_after_unfold" in want:
            whole = body.replace("\n ", "")
            if whole != self.plain(want["body_after_unfold"]):
                self.found += differ("unfolded body", whole,
                                     self.plain(want["body_after_unfold"]))

    def wire(self):
        """The bytes."""
        data = self.message.data
        limit = min(self.want.get("max_line", LINE_MAX), LINE_MAX)
        longest = max(len(line) for line in data.split("\r\n"))
        if longest > limit:
            self.found.append(f"a line has {longest} octets, "
                              f"{limit} are the most")
        rest = data.replace("\r\n", "")
        for char, name in (("\r", "CR"), ("\n", "LF")):
            if char in rest:
                self.found.append(f"a bare {name} was sent")
        if not data.endswith("\r\n"):
            self.found.append("the last line has no end")
        for text in self.want.get("excludes", []):
            if self.plain(text) in data:
                self.found.append(f"the message has {text!r}")


def expected_messages(expected):
    """What is expected of each message, as far as it is said."""
    first = {k: v for k, v in expected.items() if k in MESSAGE_KEYS}
    more = [expected[k] for k in ("second", "third") if k in expected]
    return [first] + more


def compare_messages(expected, messages, values):
    """The fewest differences that any order of MESSAGES gives."""
    wants = expected_messages(expected)
    best = None
    for order in itertools.permutations(messages, min(len(wants),
                                                      len(messages))):
        found = []
        for number, (want, message) in enumerate(zip(wants, order)):
            differences = Comparison(want, message, values).compare()
            if len(wants) > 1:
                differences = [f"message {number + 1}: {d}"
                               for d in differences]
            found += differences
        if best is None or len(found) < len(best):
            best = found
    return best or []


def compare_output(expected, name, got, status, values):
    """Standard output or error."""
    if name in expected:
        want = fill(expected[name], values)
        return [] if got == want else differ(name, got, want)
    regex = expected.get(name + "_regex")
    if regex is not None:
        if re.search(fill(regex, values, quote=True), got):
            return []
        return differ(name, got, f"/{regex}/")
    if name == "stderr" and status != 0:
        if re.fullmatch(r"[^\n]+\n", got):
            return []
        return differ(name, got, "one line")
    return [] if got == "" else differ(name, got, "")


# ---- the runner itself --------------------------------------------------

SAMPLE = ("From: a@x.test\r\nTo: b@y.test\r\nX: 1\r\nX: 2\r\n"
          "\r\nlong\r\n er\r\n")
SAMPLE_RIGHT = {
    "sender": "a@x.test", "sender_any_of": ["a@x.test"],
    "rcpts": ["c@y.test", "b@y.test"], "rcpts_superset": ["b@y.test"],
    "rcpts_none_of": ["d@y.test"], "headers_absent": ["Bcc"],
    "headers_present": [{"name": "x", "value": "2", "count": 2},
                        {"name": "TO", "regex": "^b@"}],
    "body": "long\n er\n", "body_regex": "er$", "max_line": 40,
    "body_after_unfold": "longer\n", "no_bare_cr": True, "excludes": ["zz"],
    "mail_params_regex": "RET=HDRS", "rcpt_params_regex": "NOTIFY=",
    "mail_params_absent": "BODY", "rcpt_params_absent": "ORCPT",
    "rcpt_params": {"b@y.test": "NEVER"}, "header_order": ["from", "to"],
    "header_text": "From: a@x.test\nTo: *\nX: 1\nX: 2\n",
}
SAMPLE_WRONG = [
    ("sender", ""), ("sender_any_of", ["b@x.test"]), ("rcpts", ["b@y.test"]),
    ("rcpts_superset", ["d@y.test"]), ("rcpts_none_of", ["b@y.test"]),
    ("headers_absent", ["x"]), ("headers_present", [{"name": "Y"}]),
    ("headers_present", [{"name": "X", "count": 1}]),
    ("headers_present", [{"name": "X", "value": "3"}]),
    ("headers_present", [{"name": "X", "regex": "[^12]"}]),
    ("body", "longer\n"), ("body_regex", "^er"), ("max_line", 3),
    ("body_after_unfold", "long er\n"), ("excludes", ["\r\n\r\n"]),
    ("mail_params_regex", "BODY"), ("mail_params_absent", "RET"),
    ("rcpt_params_regex", "NEVER"), ("rcpt_params_absent", "NEVER"),
    ("rcpt_params", {"c@y.test": "NEVER"}),
    ("rcpt_params", {"d@y.test": "."}), ("header_order", ["to", "from"]),
    ("header_text", "From: a@x.test\nTo: *\nX: 1\n"),
    ("header_text", "From: a@x.test\nTo: *\nX: 1\nX: 1\n"),
]
DATA_WRONG = [SAMPLE + "a\rb\r\n", SAMPLE + "a\nb\r\n", SAMPLE + "a",
              SAMPLE + "a" * 999 + "\r\n"]


def sample_message(data):
    """A message that is not from a server."""
    message = Message("a@x.test", data)
    message.rcpts = ["b@y.test", "c@y.test"]
    message.mail_params = ["RET=HDRS"]
    message.rcpt_params = ["NOTIFY=NEVER", "NOTIFY=DELAY"]
    return message


def check_itself():
    """Whether a difference in anything that can be expected is seen."""
    message = sample_message(SAMPLE)
    found = Comparison(SAMPLE_RIGHT, message, {}).compare()
    for key, value in SAMPLE_WRONG:
        if not Comparison({**SAMPLE_RIGHT, key: value}, message, {}).compare():
            found.append(f"{key} = {value!r} was found right")
    for data in DATA_WRONG:
        if not Comparison({}, sample_message(data), {}).compare():
            found.append(f"{short(data)} was found right")
    missing = MESSAGE_KEYS - {k for k, _ in SAMPLE_WRONG} - {
        "no_bare_cr", "envelope_only"}
    if missing:
        found.append(f"never tried: {sorted(missing)}")
    for wrong in ({"expected": {}}, {"unknown": 1}, {"argv": None}):
        vector = {"name": "n", "why": "w", "argv": [], "stdin": "",
                  "expected": {"exit": 0, "messages": 0}, **wrong}
        if wrong == {"argv": None}:
            del vector["argv"]
        try:
            check_vector(vector)
            found.append(f"{wrong} was found right")
        except VectorError:
            pass
    return found
