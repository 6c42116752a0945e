#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Lines over 998 bytes: broken at admission; a signed message goes as it is,
# and broken only when the relay refuses it like that.

. "${srcdir:?}/tests/run/lib.sh"

x() { # COUNT [CHARACTER]
	head -c "$1" /dev/zero | tr '\0' "${2:-x}"
}

longest() { # FILE: the longest line, without CRLF
	LC_ALL=C awk '{ sub(/\r$/, ""); if (length > n) n = length }
	    END { print n + 0 }' "$1"
}

body() {
	sed '1,/^\r*$/d' "$1"
}

# "CRLF space" taken out again.
unbroken() {
	body "$1" | perl -0pe 's/\r\n //g; s/\r//g'
}

connections() {
	count_log ' -- connected'
}

newest() {
	find "$smtpd_out" -name '*.eml' | sort | tail -n 1
}

# deliver NAME: stdin arrives as one message more, in $got
deliver() {
	local before
	before=$(count_messages)
	sm -i -f ann@x.test bob@y.test
	ok "$1: delivered" wait_for 20 has_messages $((before + 1))
	ok "$1: nothing is left" wait_for 10 queue_has 0
	got=$(newest)
}

make_spool
start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

# ---- not signed --------------------------------------------------------

for n in 997 998; do
	{ printf 'Subject: %d\n\n' "$n"; x "$n"; echo; x "$n" .; } >"$dir/in"
	deliver "$n bytes" <"$dir/in"
	is "$(longest "$got")" "$n" "$n bytes: stay a line"
	body "$got" | tr -d '\r' >"$dir/body"
	ok "$n bytes: unchanged" cmp "$dir/body" <(body "$dir/in"; echo)
done

{ printf 'Subject: 999\n\n'; x 999; echo; x 998; echo .; x 998; echo
    echo .; } >"$dir/in"
deliver "999 bytes" <"$dir/in"
is "$(longest "$got")" 998 "999 bytes: two lines"
ok "999 bytes: only breaks were put in" cmp <(unbroken "$got") <(body "$dir/in")
is "$(grep -c '^ \.' "$got")" 1 "999 bytes: the dot is behind a space"

{ printf 'Subject: dots\n\n'; x 5000 .; echo; } >"$dir/in"
deliver "a line of dots" <"$dir/in"
ok "a line of dots: all are there" cmp <(unbroken "$got") <(body "$dir/in")

{ printf 'Subject: utf8\n\na'; for i in {1..2000}; do
	printf '\342\202\254'; done; echo; } >"$dir/in"
deliver "characters" <"$dir/in"
is "$(body "$got" | while IFS= read -r line; do
	printf '%s' "$line" | iconv -f UTF-8 -t UTF-8 >"$dir/null" 2>&1 ||
	    echo torn
done)" "" "characters: none is torn"
ok "characters: only breaks were put in" \
    cmp <(unbroken "$got") <(body "$dir/in")

{ printf 'Subject: binary\n\n'; head -c 300000 /dev/urandom | tr -d '\r\n'
    echo; } >"$dir/in"
deliver "binary" <"$dir/in"
ok "binary: only breaks were put in" cmp <(unbroken "$got") <(body "$dir/in")
ok "binary: short lines" [ "$(longest "$got")" -le 998 ]

{ printf 'Subject: huge\n\n'; x 8000000; echo; } >"$dir/in"
deliver "8 MB in a line" <"$dir/in"
ok "8 MB in a line: only breaks were put in" \
    cmp <(unbroken "$got") <(body "$dir/in")
is "$(longest "$got")" 998 "8 MB in a line: broken"

# ---- the header --------------------------------------------------------

{ printf 'Subject:'; for i in {1..400}; do printf ' word%03d' "$i"; done
    printf '\nX-Word: '; x 3000
    printf '\nX-White: a'; x 3000 ' '; printf '\nTo: a@x.test'
    for i in {1..200}; do printf ', u%03d@x.test' "$i"; done
    printf '\n\nbody\n'; } >"$dir/in"
deliver "a long header" <"$dir/in"
ok "a long header: short lines" [ "$(longest "$got")" -le 998 ]
python3 - "$got" >"$dir/parsed" <<'PY'
import email, sys, re
m = email.message_from_binary_file(open(sys.argv[1], "rb"))
print(re.sub(r"\r?\n", "", m["Subject"]) ==
    " ".join("word%03d" % i for i in range(1, 401)))
print(re.sub(r"\s", "", m["X-Word"]) == "x" * 3000)
print(m["X-White"].strip())
print(len(re.sub(r"\r?\n", "", m["To"]).split(", ")))
print(m.get_payload().strip(), len(m.defects))
PY
is "$(tr '\n' ' ' <"$dir/parsed")" "True True a 201 body 0 " \
    "a long header: says what it said"
is "$(sed '/^\r*$/q' "$got" | grep -c '^[ 	]\+.\?$')" 0 \
    "a long header: no line of white space"

{ x 998; printf ': no name\nmore\n'; } >"$dir/in"
deliver "a name without end" <"$dir/in"
ok "a name without end: is body" \
    cmp <(unbroken "$got") "$dir/in"

# ---- signed ------------------------------------------------------------

signed() { # BODY-BYTES [FIELD]
	printf '%s: v=1; b=x\nSubject: signed\nDate: x\nFrom: ann@x.test\n' \
	    "${2:-DKIM-Signature}"
	printf 'Message-Id: <1@x.test>\n\n'
	x "$1"
	echo
}

for field in DKIM-Signature ARC-Seal ARC-Message-Signature \
    DomainKey-Signature; do
	signed 3000 "$field" >"$dir/in"
	deliver "$field" <"$dir/in"
	tr -d '\r' <"$got" >"$dir/plain"
	ok "$field: not a byte is changed" cmp "$dir/plain" "$dir/in"
done

# refused NAME RULE...: the signed message is refused, then taken
refused() {
	local name=$1 rule rules=()
	shift
	for rule; do
		rules+=(--rule "$rule")
	done
	restart_smtpd "${rules[@]}"
	signed 3000 >"$dir/in"
	deliver "$name" <"$dir/in"
	ok "$name: broken" [ "$(longest "$got")" -le 998 ]
	ok "$name: only breaks were put in" \
	    cmp <(unbroken "$got") <(body "$dir/in")
	is "$(count_log 'C: MAIL')" 2 "$name: at the second time"
	is "$(queued failed) $(events failed) $(events deferred)" "0 0 0" \
	    "$name: nobody was given up"
}

refused "refused at its end" 'dot n=1 reply "550 5.6.0 line too long"'
is "$(connections)" 1 "refused at its end: one connection does"
refused "refused at DATA" 'data n=1 reply "554 5.6.0 no"'
is "$(connections)" 1 "refused at DATA: one connection does"
refused "refused and closed" \
    'dot n=1 drop-after "500 5.5.2 line too long\r\n"'
is "$(connections)" 2 "refused and closed: another connection"

# What is no matter of its lines is told as before.
restart_smtpd --rule 'dot reply "554 5.7.1 spam"'
signed 3000 | sm -i -f ann@x.test bob@y.test
ok "refused twice: it fails" wait_for 20 queue_has 1 failed
is "$(events failed)" 1 "refused twice: one result"
is "$(count_log 'C: MAIL')" 2 "refused twice: and no third try"
restart_smtpd --rule 'dot reply "554 5.7.1 spam"'
signed 998 | sm -i -f ann@x.test bob@y.test
ok "no long line: it fails" wait_for 20 queue_has 2 failed
is "$(count_log 'C: MAIL')" 1 "no long line: no second try"

restart_smtpd --rule 'dot n=1 reply "550 5.6.0 first"' \
    --rule 'dot n=2 reply "451 4.3.0 second"'
signed 3000 | sm -i -f ann@x.test bob@y.test
ok "the last reply holds" wait_for 20 eval \
    'cat "$spool"/.journal* | grep "\"event\":\"deferred" | grep -q second'
ok "then it is delivered" flushing 20 has_messages 1
# (Its server ends next: it must have the answer first.)
ok "and nothing waits" wait_for 10 queue_has 0

# What was refused once stays so when the second form does not get through.
# stays_refused NAME MAILS RULE...
stays_refused() {
	local name=$1 mails=$2 before rule rules=()
	shift 2
	for rule; do
		rules+=(--rule "$rule")
	done
	before=$(queued failed)
	restart_smtpd "${rules[@]}" --rule 'dot n=1 reply "550 5.6.0 too long"'
	signed "${bytes:-3000}" | sm -i -f ann@x.test bob@y.test
	ok "$name: it fails" wait_for 60 queue_has $((before + 1)) failed
	like "$(grep -h '"event":"failed"' "$spool"/.journal* | tail -n 1)" \
	    '"reply":"550 5\.6\.0 too long"' "$name: by the first reply"
	is "$(count_log 'C: MAIL') $(queued)" "$mails 0" "$name: at once"
}

stays_refused "twice dropped at MAIL" 3 'mail n=2 drop' 'mail n=3 drop'
stays_refused "421 at MAIL, then nobody" 2 \
    'mail n=2 drop-after "421 4.3.2 bye\r\n"' 'connect n=2 drop'
stays_refused "nobody at all" 1 'dot n=1 drop-after "550 5.6.0 too long\r\n"' \
    'connect n=2 drop'
stays_refused "dropped at RCPT" 2 'rcpt n=2 drop'
# Longer than what the sockets hold: the dot has not gone out.
bytes=24000000 stays_refused "dropped amid the data" 2 'data n=2 mid-data-drop 100'
stays_refused "421 at its end" 2 'dot n=2 drop-after "421 4.3.2 bye\r\n"'

# What the relay has in full is not refused.
restart_smtpd --rule 'dot n=1 reply "550 5.6.0 too long"' --rule 'dot n=2 drop'
signed 3000 | sm -i -f ann@x.test bob@y.test
ok "dropped behind the dot: nobody knows" wait_for 20 has_events 1 uncertain
is "$(queued)" 1 "dropped behind the dot: it stays in the queue"
ok "then it is delivered" flushing 20 has_messages 1
ok "and nothing is left" wait_for 10 queue_has 0

# It is longer than its file.
restart_smtpd --rule 'dot n=1 reply "550 5.6.0 too long"'
signed 3000 >"$dir/in"
deliver "its size" <"$dir/in"
like "$(grep 'C: MAIL' "$smtpd_log" | head -n 1)" 'SIZE=' \
    "its size: is told at first"
unlike "$(grep 'C: MAIL' "$smtpd_log" | tail -n 1)" 'SIZE=' \
    "its size: nobody has counted what is broken"

# Those that the relay refused by themselves are not asked again.
restart_smtpd --rule 'rcpt n=1 reply "550 5.1.1 who"' \
    --rule 'dot n=1 reply "550 5.6.0 lines"'
signed 3000 | sm -i -f ann@x.test none@y.test bob@y.test
ok "one refused: the other gets it" wait_for 20 has_messages 1
is "$(cat "$smtpd_out"/*.env | grep -c '^rcpt')" 1 "one refused: only he"

ok "spoold stops" stop_spoold
done_testing
