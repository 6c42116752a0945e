#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Addresses and headers beyond ASCII: SMTPUTF8 where the relay offers it; else
# domains in ASCII, headers as they are, and the rest refused when it is
# submitted, once the relay is known.

. "${srcdir:?}/tests/run/lib.sh"

utf8=(--ehlo PIPELINING --ehlo 8BITMIME --ehlo SMTPUTF8 --ehlo DSN)
note=$spool/.no-smtputf8

# mail SENDER RECIPIENT... : with the header on stdin, if any
mail() {
	local sender=$1
	shift
	{ printf '%b' "${header:-Subject: x\n}"; printf '\nbody\n'; } |
	    sm -i -B 8BITMIME -f "$sender" -- "$@" 2>"$dir/err.txt"
}

# arrives NAME SENDER RECIPIENT...: its envelope is in $env, its file in $got
arrives() {
	local name=$1 before
	shift
	before=$(count_messages)
	ok "$name: admitted" mail "$@"
	ok "$name: delivered" wait_for 20 has_messages $((before + 1))
	ok "$name: nothing is left" wait_for 10 queue_has 0
	got=$(find "$smtpd_out" -name '*.eml' | sort | tail -n 1)
	env=$(grep -a '^mail\|^rcpt' "${got%.eml}.env")
}

make_spool

# ---- a relay without ---------------------------------------------------

start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

ok "nothing is known at first" [ ! -e "$note" ]
# Nothing is known: it is taken, tried and failed, once.
ok "8-bit local part, first: admitted" mail ann@x.test käse@y.test bob@y.test
ok "8-bit local part, first: fails" wait_for 20 queue_has 1 failed
ok "8-bit local part, first: the other gets it" wait_for 10 has_messages 1
like "$(cat "$spool"/.journal*)" 'relay does not offer SMTPUTF8' \
    "8-bit local part, first: for this reason"
like "$(cat "$spool"/.journal*)" '5\.6\.7' "8-bit local part, first: its code"
ok "then it is known" wait_for 10 [ -e "$note" ]
is "$(stat -c '%a %s' "$note")" "640 0" "by an empty file"
fails 65 "8-bit local part, second: refused" mail ann@x.test käse@y.test
like "$(<"$dir/err.txt")" "'käse@y.test'.*SMTPUTF8" \
    "8-bit local part, second: which says why"
is "$(wc -l <"$dir/err.txt")" 1 "8-bit local part, second: in one line"
fails 65 "8-bit local part of the sender: refused" mail jörg@x.test bob@y.test
header='To: jörg@y.test\nSubject: x\n' \
    fails 65 "8-bit local part in the header: refused" mail ann@x.test -t
is "$(queued)$(find "$spool/tmp" -type f | wc -l)" 00 "nothing was queued"

arrives "8-bit domains" ann@exämple.test bob@bücher.test
is "$env" "mail <ann@xn--exmple-cua.test> SIZE=$(wc -c <"$got") BODY=8BITMIME
rcpt <bob@xn--bcher-kva.test> " "8-bit domains: are sent in ASCII"
arrives "today's rules" ann@x.test bob@straße.test
like "$env" 'bob@xn--strae-oqa\.test' "today's rules: sharp s stays itself"
arrives "yesterday's rules" ann@x.test bob@☃.test
like "$env" 'bob@xn--n3h\.test' "yesterday's rules: where today's say no"
arrives "upper case" ann@x.test bob@BÜCHER.test
like "$env" 'bob@xn--bcher-kva\.test' "upper case: does not matter"
arrives "mixed" ann@x.test bob@BÜCHER.test carl@Z.test
like "$env" 'carl@Z\.test' "mixed: ASCII stays as it is"

header='Subject: grüße\nTo: Jörg <bob@y.test>\n' \
    arrives "8-bit header" ann@x.test bob@y.test
unlike "$env" SMTPUTF8 "8-bit header: without SMTPUTF8"
like "$(<"$got")" 'Subject: grüße' "8-bit header: as it is"
like "$(<"$got")" 'To: Jörg <bob@y.test>' "8-bit header: all of it"

# A domain that is none.
long=$(printf 'ü%.0s' {1..70})
ok "no domain: admitted" mail ann@x.test "bob@$long.test"
ok "no domain: fails" wait_for 20 queue_has 2 failed
like "$(cat "$spool"/.journal*)" "5\.1\.2 .*üü.test>: punycode" \
    "no domain: says why"
# By the rules, U+FF1E and U+3000 are '>' and a space.
ok "an odd domain: admitted" mail ann@x.test "bob@ü＞　SIZE＝1.test"
ok "an odd domain: fails" wait_for 20 queue_has 3 failed
is "$(count_log 'C: RCPT.*SIZE')" 0 "an odd domain: never reaches a command"

# ---- a relay with ------------------------------------------------------

restart_smtpd "${utf8[@]}"
arrives "the relay has learnt" ann@x.test bob@y.test
unlike "$env" SMTPUTF8 "ASCII: no SMTPUTF8"
ok "which is known at once" wait_for 10 [ ! -e "$note" ]

arrives "all 8-bit" jörg@exämple.test käse@bücher.test bob@y.test
is "$env" "mail <jörg@exämple.test> BODY=8BITMIME SMTPUTF8
rcpt <käse@bücher.test> 
rcpt <bob@y.test> " "all 8-bit: as it is, with SMTPUTF8"
header='Subject: grüße\n' arrives "8-bit header" ann@x.test bob@y.test
like "$env" "^mail <ann@x.test> BODY=8BITMIME SMTPUTF8" \
    "8-bit header: with SMTPUTF8"
header='Subject: gr\374\337e\n' arrives "Latin-1" ann@x.test bob@y.test
unlike "$env" SMTPUTF8 "Latin-1: is no business of SMTPUTF8's"
arrives "with DSN" ann@x.test bob@y.test
{ printf 'Subject: dsn\n\nx\n'; } |
    sm -i -N failure -V grün -f ann@x.test jörg@y.test 2>"$dir/err.txt"
ok "DSN: delivered" wait_for 20 queue_has 0
unlike "$(cat "$smtpd_out"/*.env)" $'ORCPT=[^\n]*\xc3' "DSN: no 8-bit ORCPT"

fails 65 "no UTF-8: refused" mail ann@x.test $'k\344se@y.test'
like "$(<"$dir/err.txt")" 'UTF-8' "no UTF-8: which says why"

# Eight bits without 8BITMIME: a poor server, but it said SMTPUTF8.
restart_smtpd --ehlo SMTPUTF8
arrives "without 8BITMIME" ann@x.test käse@y.test
is "$env" "mail <ann@x.test> SMTPUTF8
rcpt <käse@y.test> " "without 8BITMIME: SMTPUTF8 alone"

# Many over one connection, mixed.
restart_smtpd "${utf8[@]}"
for i in {1..10}; do
	mail ann@x.test "ascii$i@y.test"
	mail ann@x.test "käse$i@y.test"
done
ok "mixed: all arrive" wait_for 30 has_messages 20
is "$(cat "$smtpd_out"/*.env | grep -c '^mail.*SMTPUTF8')" 10 \
    "mixed: each in its way"

# ---- back and forth ----------------------------------------------------

restart_smtpd
arrives "the relay has forgotten" ann@x.test bob@y.test
ok "which is known, too" wait_for 10 [ -e "$note" ]
ok "spoold stops" stop_spoold
fails 65 "and remembered" mail ann@x.test käse@y.test
is "$(queued)" 0 "nothing is queued"

# Another relay, perhaps: it was told to spoold, not to sendmail.
restart_smtpd "${utf8[@]}"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
arrives "after a start" ann@x.test käse@y.test
ok "spoold stops again" stop_spoold
done_testing
