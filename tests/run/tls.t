#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# STARTTLS and implicit TLS: what is wrong with a server keeps mail queued,
# and nothing is ever said in clear that should not be.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
make_ca
make_ca strangers
make_cert good 2
make_cert expired -1
make_cert other 2 DNS:other.test
make_cert strange 2 DNS:localhost strangers

with() { # the server's options for certificate NAME
	server=(--cert "$dir/$1.pem" --key "$dir/$1.key" "${@:2}")
}

relay() {
	start_spoold --relay "localhost:$smtpd_port" --ca-file "$dir/ca.pem" \
	    --helo client.test "$@"
}

# forget: an empty journal and server for the next case
forget() {
	[ -z "$spoold_pid" ] || stop_spoold ||
	    fail "spoold stops after ${case:-}"
	stop_smtpd || fail "smtpd ends"
	rm -rf "$spool" "$smtpd_out" "$smtpd_log"
	make_spool
}

# arrives CASE VERSION: a message is delivered, all of it inside of TLS
arrives() {
	case=$1
	send_simple a@x.test b@y.test
	ok "$case: delivered" wait_for 15 has_messages 1
	like "$(cat "$smtpd_out/000001.env")" $'\ntls TLSv1'"$2" \
	    "$case: inside of TLS"
	like "$(cat "$smtpd_out/000001.env")" $'\nsni localhost' \
	    "$case: with the name that was configured"
	ok "$case: the queue is empty" wait_for 10 queue_has 0
	forget
}

# waits CASE: nothing is sent, the mail stays, the relay is said to be down;
# with the right server it is delivered after all
waits() {
	case=$1
	send_simple a@x.test b@y.test
	ok "$case: the relay counts as down" wait_for 20 has_events 1 relay-down
	ok "$case: and is tried again" wait_for 20 has_events 2 relay-down
	is "$(events relay-up)" 0 "$case: and never as up"
	is "$(queued) $(queued failed) $(count_messages)" "1 0 0" \
	    "$case: the message stays queued"
	is "$(count_log ' C: (MAIL|RCPT|DATA|AUTH|Subject)')" 0 \
	    "$case: nothing of it is sent"
	is "$(events failed) $(events deferred)" "0 0" \
	    "$case: and it does not count as an answer"
	like "$(spoolq show "$(ls "$spool/queue")" | head -20;
	    spoolq list 2>&1; tail -n 5 "$spoold_log")" "${2:-tls|TLS}" \
	    "$case: the reason is told"
	forget
}

with good
start_smtpd "${server[@]}"
relay --tls starttls
arrives STARTTLS '\.[23]'

start_smtpd "${server[@]}" --tls-max 1.2
relay --tls opportunistic
arrives "STARTTLS 1.2" '\.2'

start_smtpd "${server[@]}" --implicit-tls
relay --tls implicit
arrives "implicit TLS" '\.[23]'

# Many sessions and messages at once: the library's own TLS hung here.
start_smtpd "${server[@]}" --rule 'dot delay 0.005'
# Not more for those that the machine makes wait.
echo 'connections_max = 8' >>"$config"
relay --tls starttls --connections 8
for i in {1..60}; do
	send_simple a@x.test "b$i@y.test"
done
ok "many sessions: all delivered" wait_for 30 has_messages 60
ok "many sessions: the queue is empty" wait_for 10 queue_has 0
at_most "$(stat_of max_concurrent)" 8 "many sessions: connections"
is "$(cat "$smtpd_out"/*.env | grep -c '^tls TLSv1')" 60 \
    "many sessions: all inside of TLS"
case=many
forget
sed -i '/^connections_max/d' "$config"

for cert in expired other strange; do
	with "$cert"
	start_smtpd "${server[@]}"
	relay --tls starttls
	waits "$cert certificate" "certificate|verif|name|issuer"

	start_smtpd "${server[@]}" --implicit-tls
	relay --tls implicit
	waits "$cert certificate, implicit" "certificate|verif|name|issuer"
done

with good
start_smtpd --rule 'connect delay 0'
relay --tls starttls
waits "STARTTLS not offered" "STARTTLS|starttls|TLS"

start_smtpd "${server[@]}" \
    --rule 'starttls reply "454 4.7.0 TLS not available"'
relay --tls starttls
waits "STARTTLS refused" "454|TLS"

start_smtpd "${server[@]}" --tls-max 1.1
relay --tls starttls
waits "TLS 1.1"

start_smtpd "${server[@]}" --rule 'tls garbage 200; drop'
relay --tls starttls
waits "garbage for a handshake"

start_smtpd "${server[@]}" --rule 'tls drop'
relay --tls starttls
waits "a drop for a handshake"

start_smtpd "${server[@]}" --rule 'tls mute'
relay --tls starttls --reply-timeout 1 --connect-timeout 1
waits "silence for a handshake" "tls|TLS|timed? ?out|time"

start_smtpd "${server[@]}" --rule 'connect delay 0'
relay --tls implicit
waits "implicit TLS with a plaintext server"

# Plaintext behind the 220, as in CVE-2011-0411: neither obeyed nor kept.
start_smtpd "${server[@]}" --rule 'starttls inject "250 injected\r\n"'
relay --tls starttls
waits "a reply injected behind the 220"

start_smtpd "${server[@]}" \
    --rule 'starttls inject "250-x\r\n250 AUTH PLAIN\r\n250 ok\r\n250 ok\r\n"'
relay --tls opportunistic
case="injected, opportunistic"
send_simple a@x.test b@y.test
ok "$case: the relay counts as down" wait_for 20 has_events 1 relay-down
is "$(queued) $(count_messages)" "1 0" "$case: the message stays queued"
forget

start_smtpd --rule 'connect delay 0'
relay --tls opportunistic
case="opportunistic, not offered"
send_simple a@x.test b@y.test
ok "$case: delivered in plaintext" wait_for 10 has_messages 1
forget

# What waited is not lost.
with expired
start_smtpd "${server[@]}"
relay --tls starttls
send_simple a@x.test b@y.test
ok "an expired certificate: waiting" wait_for 20 has_events 1 relay-down
with good
restart_smtpd "${server[@]}"
ok "and a new one: delivered" wait_for 30 has_messages 1
ok "once" wait_for 10 queue_has 0

done_testing
