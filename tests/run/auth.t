#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# AUTH: each mechanism, and what must not happen when it fails.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
password='s3cret pass%word'
printf '%s\n' "$password" >"$dir/password"
chmod 600 "$dir/password"

relay() {
	start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --user ann \
	    --password-file "$dir/password"
}

forget() {
	stop_spoold || fail "spoold stops after ${case:-}"
	stop_smtpd || fail "smtpd ends"
	rm -rf "$spool" "$smtpd_out" "$smtpd_log"
	make_spool
}

for mech in PLAIN LOGIN CRAM-MD5; do
	start_smtpd --auth "ann:$password" --auth-mechs "$mech" --require-auth
	relay
	send_simple a@x.test b@y.test
	ok "$mech: delivered" wait_for 15 has_messages 1
	like "$(cat "$smtpd_out/000001.env")" $'\nauth ann\n' \
	    "$mech: as the user"
	is "$(count_log " C: AUTH $mech")" "$(count_log ' C: AUTH ')" \
	    "$mech: no other was tried"
	is "$(count_log " C: AUTH ")" 1 "$mech: once for the session"
	forget
done

start_smtpd --auth "ann:$password" --require-auth
relay
send_simple a@x.test b@y.test
ok "all three offered: delivered" wait_for 15 has_messages 1
is "$(tr '\0' ' ' <"/proc/$spoold_pid/cmdline" | grep -c s3cret)" 0 \
    "the password is on no command line"
is "$(cat "$spoold_log" "$spool"/.[a-z]*.json* | grep -c s3cret)" 0 \
    "nor in log, journal or status"
forget

# refused CASE REGEX [TIMES]: the mail waits, no MAIL was sent, nothing counts;
# a login is not tried again for ten seconds, what is not its fault is
refused() {
	case=$1
	send_simple a@x.test b@y.test
	ok "$case: the relay counts as down" wait_for 20 has_events 1 relay-down
	[ "${3:-1}" = 1 ] ||
	    ok "$case: and is tried again" wait_for 20 has_events 2 relay-down
	is "$(queued) $(queued failed) $(count_messages)" "1 0 0" \
	    "$case: the message stays queued"
	is "$(events failed) $(events deferred)" "0 0" \
	    "$case: and is neither refused nor an attempt"
	is "$(count_log ' C: MAIL')" 0 "$case: MAIL is never sent"
	is "$(events relay-up)" 0 "$case: the relay never counts as up"
	like "$(tail -n 8 "$spoold_log")" "$2" "$case: the reason is told"
	forget
}

# Servers here take mail from everybody: only we keep it back.
for mech in PLAIN LOGIN CRAM-MD5; do
	start_smtpd --auth "ann:other" --auth-mechs "$mech"
	relay
	refused "$mech, wrong password" "535"
done

start_smtpd --auth "ann:other"
relay
refused "wrong password, three mechanisms" "535"

start_smtpd --rule 'connect delay 0'
relay
refused "AUTH not offered" "AUTH|auth"

start_smtpd --auth "ann:$password" --auth-mechs "XOAUTH2 GSSAPI"
relay
refused "no mechanism in common" "AUTH|auth"

start_smtpd --auth "ann:$password" \
    --rule 'authend reply "454 4.7.0 try again"'
relay
refused "a temporary failure" "454"

start_smtpd --auth "ann:$password" --rule 'auth drop'
relay
refused "a drop at AUTH" "AUTH|auth|clos|lost|connection" 2

# The server forgets the login: 530 is its trouble, not the message's.
start_smtpd --auth "ann:$password" \
    --rule 'mail reply "530 5.7.0 Authentication required"'
relay
send_simple a@x.test b@y.test
ok "530 at MAIL: the server is asked" wait_for 15 has_line "$smtpd_log" \
    'S: 530'
ok "530 at MAIL: and counts as down" wait_for 15 has_events 1 relay-down
is "$(queued) $(queued failed) $(events failed)" "1 0 0" \
    "530 at MAIL: the message is not refused"
forget

# What was kept back is not lost.
start_smtpd --auth "ann:other"
relay
send_simple a@x.test b@y.test
ok "wrong password: waiting" wait_for 20 has_events 1 relay-down
restart_smtpd --auth "ann:$password" --require-auth
# Ten seconds after a refusal, or twenty, if it was refused once more meanwhile.
ok "and the right one: delivered" wait_for 60 has_messages 1
ok "the queue is empty" wait_for 10 queue_has 0
stop_spoold || fail "spoold stops"

# The password's file.
spoold_log=$dir/readable.log
chmod 640 "$dir/password"
launch_spoold --relay "127.0.0.1:$smtpd_port" --tls none --user ann \
    --password-file "$dir/password"
send_simple a@x.test b@y.test
ok "a password file that the group can read is complained about" \
    wait_for 15 has_line "$spoold_log" \
    'password.*(mode|read|group|others|permission)'
is "$(count_messages)" 1 "and not used"
is "$(queued)" 1 "the message stays queued"
ok "spoold stops all the same" stop_spoold

# Not over a network in clear.
run_spoold --once --relay "192.0.2.1:25" --tls opportunistic --user ann \
    --password-file "$dir/password"
is "$?" 78 "a login without TLS to another host is refused"

done_testing
