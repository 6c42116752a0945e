#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoold started with Spoolgore's command line: no configuration, a directory,
# files in it, and passwords that nobody may see.

TEST_TIMEOUT=180
. "${srcdir:?}/tests/run/lib.sh"

secret='s3cret/pass w0rd'
make_ca
make_cert localhost 3

# gore ARGUMENT...: spoold as Spoolgore was started, in the background
gore() {
	rm -f "$spool/.control"
	"$SPOOLD" "$@" >>"$spoold_log" 2>&1 </dev/null &
	spoold_pid=$!
	wait_for 20 _serves_or_gone
	is_gone "$spoold_pid" && bail "spoold ended: $(tail -n 3 "$spoold_log")"
}

# fresh: another directory, with nothing but mail's own in it
fresh() {
	spool=$dir/spool$1
	mkdir -m 0700 "$spool"
}

letter() {
	printf 'From: %s <%s@x.test>\nTo: %s@y.test\n\nb\n' "$1" "$1" "$1" \
	    >"$spool/$1.eml"
}

# hidden PID: no password is in what others see of the process
hidden() {
	! tr '\0' ' ' <"/proc/$1/cmdline" | grep -q s3cret
}

children() {
	cat "/proc/$spoold_pid/task/"*/children 2>/dev/null
}

# nowhere LABEL: not in any file of ours, nor in any process
nowhere() {
	local pid seen=""
	for pid in "$spoold_pid" $(children); do
		hidden "$pid" || seen+="cmdline of $pid;"
		if [ -r "/proc/$pid/environ" ]; then
			grep -qa s3cret "/proc/$pid/environ" &&
				seen+="environ of $pid;"
		fi
	done
	seen+=$(grep -rlaF s3cret "$spool" "$dir"/*.log "$dir"/*.js 2>/dev/null)
	is "$seen" "" "$1: the password is nowhere to be seen"
}

has_arrived() {
	[ "$(messages_to "$1@y.test")" -ge 1 ]
}

# server ARGUMENT...: another one, with a transcript of its own
server() {
	rm -rf "$dir/smtpd.log" "$dir/smtpd.out"
	start_smtpd "$@"
}

# auths: which mechanisms were used
auths() {
	sed -n 's/.* C: AUTH \([A-Z0-9-]*\).*/\1/p' "$smtpd_log" | sort -u |
		xargs
}

# ---- without a login -------------------------------------------------------

server
fresh 1
letter before
gore -smtpaddr "127.0.0.1:$smtpd_port" -freq 5 -attempts=7 \
    --json="$dir/status.js" "$spool"
ok "what lies there is sent" wait_for 15 has_arrived before
letter later
ok "and what comes" wait_for 15 has_arrived later
is "$(cd "$spool" && echo *)" "failed hold queue tmp" \
    "the directory is a spool now"
ok "-json: the status is there" wait_for 10 test -s "$dir/status.js"
ok "and is ours" python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["version"] == 1' "$dir/status.js"
is "$(grep -c password "$spoold_log")" 0 "no password, no hint"
like "$(<"$spoold_log")" "relay .*127.0.0.1:$smtpd_port" \
    "the log goes to standard error"
ok "spoold stops" stop_spoold
ok "smtpd ends" stop_smtpd

# ---- the status among the messages -----------------------------------------

server
fresh 0
letter beside
gore -smtpaddr "127.0.0.1:$smtpd_port" -json "$spool/spoolgore.json" "$spool"
ok "-json: the status beside the messages" \
    wait_for 15 test -s "$spool/spoolgore.json"
ok "which are sent" wait_for 15 has_arrived beside
kill -URG "$spoold_pid"
letter again
ok "and sent" wait_for 15 has_arrived again
ok "spoold stops" stop_spoold
is "$(cd "$spool" && echo *) $(ls "$spool/failed")" \
    "failed hold queue spoolgore.json tmp " "it is no message"
ok "smtpd ends" stop_smtpd

# ---- PLAIN, over TLS -------------------------------------------------------

server --cert "$dir/localhost.pem" --key "$dir/localhost.key" \
    --auth "ann:$secret" --auth-mechs "PLAIN LOGIN CRAM-MD5" --require-tls \
    --require-auth
fresh 2
gore -smtpaddr "localhost:$smtpd_port" --ca-file "$dir/ca.pem" \
    -smtpuser ann -smtppassword "$secret" "$spool"
letter plain
ok "PLAIN over STARTTLS" wait_for 15 has_arrived plain
is "$(auths)" PLAIN "and nothing else"
nowhere PLAIN
like "$(<"$spoold_log")" "--password-file" "a hint says what is better"
kill -HUP "$spoold_pid"
ok "SIGHUP" wait_for 15 has_line "$spoold_log" 'configuration was read again'
letter reloaded
ok "after it the password is still known" wait_for 15 has_arrived reloaded
for pid in $(children); do
	kill -KILL "$pid"
done
letter restarted
ok "by agents that were started again, too" wait_for 30 has_arrived restarted
nowhere "after all that"
ok "spoold stops" stop_spoold
ok "smtpd ends" stop_smtpd

# ---- CRAM-MD5, without TLS -------------------------------------------------

server --auth "ann:$secret" --auth-mechs "PLAIN LOGIN CRAM-MD5" \
    --require-auth
fresh 3
gore -smtpaddr="127.0.0.1:$smtpd_port" -smtpmd5user=ann \
    --smtpmd5password="$secret" "$spool" ignored
letter cram
ok "CRAM-MD5 with values behind a '='" wait_for 15 has_arrived cram
is "$(auths)" CRAM-MD5 "and nothing else"
nowhere CRAM-MD5
like "$(<"$spoold_log")" "one spool directory at most, not 'ignored' too" \
    "what is behind the directory is ignored, but not in silence"
ok "spoold stops" stop_spoold

# PLAIN goes before CRAM-MD5, and needs no TLS to this machine.
fresh 4
ok "smtpd ends" stop_smtpd
server --auth "ann:$secret" --auth-mechs "PLAIN LOGIN CRAM-MD5" --require-auth
gore -smtpaddr "127.0.0.1:$smtpd_port" -smtpmd5user x -smtpmd5password y \
    -smtpuser ann -smtppassword "$secret" "$spool"
letter both
ok "PLAIN goes before CRAM-MD5" wait_for 15 has_arrived both
is "$(auths)" PLAIN "to this machine without TLS"
ok "spoold stops" stop_spoold
printf '%s\n' "$secret" >"$dir/password"
fresh 5
gore -smtpaddr "127.0.0.1:$smtpd_port" -smtpuser ann \
    --password-file "$dir/password" "$spool"
letter file
ok "with the password from a file" wait_for 15 has_arrived file
is "$(grep -c 'a password on the command line' "$spoold_log")" 3 \
    "the hint is for others"
ok "spoold stops" stop_spoold
ok "smtpd ends" stop_smtpd

# ---- what must not be ------------------------------------------------------

# Another name than the certificate's.
make_cert other 3 DNS:other.test
server --cert "$dir/other.pem" --key "$dir/other.key" \
    --auth "ann:$secret"
fresh 6
gore -smtpaddr "localhost:$smtpd_port" --ca-file "$dir/ca.pem" \
    -smtpuser ann -smtppassword "$secret" "$spool"
letter wrong
ok "a certificate of another host is trouble with the relay" \
    wait_for 15 has_events 1 relay-down
is "$(count_log ' C: AUTH ') $(count_log ' C: MAIL ')" "0 0" \
    "nothing is said to it"
nowhere "trouble"
ok "spoold stops" stop_spoold
ok "smtpd ends" stop_smtpd
# Not on this machine, for all we know: an address of ours that is not
# loopback.
address=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 '\.')
if [ -n "$address" ]; then
	server --listen "$address" --auth "ann:$secret"
	fresh 7
	gore -smtpaddr "$address:$smtpd_port" -smtpuser ann \
	    -smtppassword "$secret" "$spool"
	letter clear
	ok "PLAIN without TLS to another machine is trouble" \
	    wait_for 15 has_events 1 relay-down
	is "$(count_log ' C: AUTH ')" 0 "and is not tried"
	ok "spoold stops" stop_spoold
	ok "smtpd ends" stop_smtpd
else
	skip "PLAIN without TLS to another machine" "no address"
fi

# ---- wrong usage -----------------------------------------------------------

# refused STATUS REGEX LABEL ARGUMENT...
refused() {
	local status=$1 regex=$2 label=$3
	shift 3
	timeout 20 "$SPOOLD" "$@" >"$dir/out" 2>&1 </dev/null
	is "$?" "$status" "$label"
	like "$(<"$dir/out")" "$regex" "$label: says so"
	unlike "$(<"$dir/out")" s3cret "$label: without the password"
}
fresh 8
refused 64 'please specify a spool directory' "no directory" \
    -smtpaddr 127.0.0.1:1
refused 66 'No such file' "a directory that is not there" \
    -smtpaddr 127.0.0.1:1 "$dir/nowhere"
refused 64 'smtppassword needs -smtpuser' "a password of nobody's" \
    -smtppassword s3cret "$spool"
refused 78 'user is set, but' "a user without a password" \
    -smtpuser ann "$spool"
refused 78 'smtpaddr.*port' "a bad port" -smtpaddr x:0 "$spool"
refused 78 'password must have' "a password that nobody takes" \
    -smtpuser ann -smtppassword $'s3cret\n' "$spool"
refused 64 'spoold --help' "an unknown option" -smtppassword s3cret -nosuch x
is "$(ls "$spool")" "" "nothing was made of the directory"

# The help and the page have what is accepted.
for option in smtpaddr smtpuser smtppassword smtpmd5user smtpmd5password; do
	like "$("$SPOOLD" --help)" "[^-]-$option " "-$option is in --help"
	like "$(<"$srcdir/man/spoold.8")" "Fl $option " "and in spoold(8)"
done
done_testing
