#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq summary: what waits, counted by age, relay, domain, sender and error.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
need python3 python3

unset COLUMNS LANG LC_ALL LC_CTYPE
make_spool

# ask ARGS...: $out, $err, $status
ask() {
	out=$(spoolq "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

# put STATE ID AGE_S SENDER RCPT...
put() {
	local state=$1 id=$2 arrival=$(($(now) - $3 * 1000000))
	shift 3
	printf 'Subject: %s\n\nbody\n' "$id" | crlf |
	    put_message "$spool/$state" "$id" "$arrival" "$@"
}

# of JSON EXPRESSION: in Python, on the object s
of() {
	python3 -c 'import json, sys
s = json.loads(sys.argv[1])
print(eval(sys.argv[2]))' "$1" "$2"
}

ask summary
is "$out/$status" "the queue is empty/0" "an empty queue"
like "$err" "spoold is not running" "what is missing is said"
ask summary --top 0
like "$err/$status" "^spoolq: --top: '0' is too small.*/64\$" "no rows"
ask summary x
is "$status" 64 "no operands"

# ---- without a spoold --------------------------------------------------

put queue 3286A1B2C1 30 ann@x.test bob@One.example
put queue 3286A1B2C2 400 ann@x.test bob@one.example 'c%E2%80%AEy@two.example'
put queue 3286A1B2C3 90000 '<>' bob@one.example nowhere
put hold 3286A1B2C4 700 carl@x.test bob@three.example
put failed 3286A1B2C5 700 ann@x.test bob@one.example
ask summary
is "$status" 0 "messages"
is "$(sed -n '1,2p' <<<"$out")" "\
5 messages, 7 recipients to go, 145 bytes, one waits for 25h: 3286A1B2C3
3 new, 1 held, 1 failed" "how many"
is "$(sed -n '4,10p' <<<"$out")" "\
DOMAIN, AGE (MIN)          ALL    5   10   20   40   80  160  320  640 1280 more
(all)                        7    1    2    2    .    .    .    .    .    .    2
                               ##   #### ####                               ####
one.example                  4    1    1    1    .    .    .    .    .    .    1
(no domain)                  1    .    .    .    .    .    .    .    .    .    1
three.example                1    .    .    1    .    .    .    .    .    .    .
two.example                  1    .    1    .    .    .    .    .    .    .    ." \
    "ages, as qshape has them"
like "$out" $'SENDERS \(messages\)\n +3 ############  ann@x.test' "senders"
like "$out" $'\n +1 ####          <>\n' "the null sender"
at_most "$(wc -L <<<"$out")" 80 "80 columns are enough"
out=$(COLUMNS=60 spoolq summary 2>/dev/null)
like "$out" "ann@x.test" "fewer columns"
out=$(COLUMNS=20 spoolq summary 2>/dev/null)
like "$out" "ann@x.test" "and very few"
ask summary --top 1
like "$out" $'one.example .*\n\(others\) +3 ' "one row, and the others"
out=$(LC_ALL=C.UTF-8 spoolq summary 2>/dev/null)
like "$out" "████" "with blocks where the locale has them"

ask summary --json
is "$(wc -l <<<"$out")/$status" 1/0 "JSON: one line"
is "$(of "$out" '[s["messages"], s["recipients"], s["bytes"]]')" \
    "[5, 7, 145]" "counts"
is "$(of "$out" 's["states"]')" \
    "{'new': 3, 'sending': 0, 'deferred': 0, 'held': 1, 'failed': 1}" "states"
is "$(of "$out" 's["domains"]["rows"][0]')" \
    "{'domain': 'one.example', 'count': 4, 'ages': [1, 1, 1, 0, 0, 0, 0, 0, 0, 1]}" \
    "a row"
is "$(of "$out" 'len(s["age_limits"]) + 1 == len(s["domains"]["others"]["ages"])')" \
    True "an age has its limit"
is "$(of "$out" 's["oldest"]["id"]')" 3286A1B2C3 "the oldest"

# Characters that take two columns.
put queue 3286A1B2C6 30 "$(printf '%%E6%%BC%%A2%.0s' {1..60})@x.test" \
    "bob@$(printf '%%E6%%BC%%A2%.0s' {1..20}).example"
out=$(LC_ALL=C.UTF-8 COLUMNS=80 spoolq summary 2>/dev/null)
at_most "$(LC_ALL=C.UTF-8 wc -L <<<"$out")" 80 "wide characters: cut"
is "$(grep '^漢' <<<"$out" | sed 's/漢/xx/g')" \
    "xxxxxxxxxxxxxxxxxxxxxxxx…    1    1    .    .    .    .    .    .    .    \
.    ." "and the columns are where they are"
rm "$spool/queue/3286A1B2C6"

# Filters are those of list.
ask summary --json --from ann@x.test --state new
is "$(of "$out" 's["messages"]')" 2 "filtered"
ask summary --json --limit 1
is "$(of "$out" 's["messages"]')" 1 "limited"
ask summary --from nobody@x.test
is "$out/$status" "no message matches/0" "none left"

# ---- with a spoold: answers --------------------------------------------

rm "$spool/hold"/* "$spool/failed"/* "$spool/queue"/*
cat >"$dir/script" <<'EOS'
rcpt match=busy1* reply "450 4.2.0 <busy1@y.test>: in 311 s, id 4F2A9C \x1b[31m"
rcpt match=busy* reply "450 4.2.0 <b@y.test>: in 95 s, id 77AB1C0E \x1b[31m"
rcpt match=full* reply "452 4.2.2 full|<b>"
EOS
start_smtpd --script "$dir/script"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_simple ann@x.test busy1@y.test busy2@y.test full@y.test
send_simple ann@x.test busy3@y.test
ok "four are put off" wait_for 10 has_events 4 deferred
ask summary
is "$err/$status" /0 "nothing is wrong"
like "$out" "2 deferred" "two wait"
like "$out" $'ERRORS \(recipients\)\n +3 #+ +450 4.2.0 <\*>: in \* s, id \* \*\[\*' \
    "equal causes are one, harmless"
like "$out" $'\n +1 #+ +452 4.2.2 full\|<b>' "others are others"
like "$out" $'RELAYS \(messages\)\n +2 ############  default' "their relay"
unlike "$out" $'\x1b' "nothing steers the terminal"
ask summary --json --error 'full'
is "$(of "$out" 's["messages"], s["relays"]["rows"][0]["relay"]')" \
    "(1, 'default')" "by an error"

# ---- by whom -----------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
	chmod 0755 "$dir"
	as() { # UID ARGS...
		setpriv --reuid "$1" --regid "$1" --clear-groups \
		    timeout 20 "$SPOOLQ" -C /dev/null --spool "$spool" \
		    "${@:2}" >"$dir/as.out" 2>"$dir/as.err"
	}
	fails 77 "somebody else sees nothing" as 65534 summary
	is "$(<"$dir/as.out")" "" "at all"
	stop_spoold
	chown -R 65533 "$spool"
	ok "the owner sees all" as 65533 summary --json
	is "$(of "$(<"$dir/as.out")" 's["messages"]')" 2 "of it"
	ask summary --json
	is "$(of "$out" 's["messages"]')" 2 "and so does root"
	chmod 0700 "$dir"
else
	skip "somebody else, the owner, root" "not root"
fi

done_testing
