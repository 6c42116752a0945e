#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Postfix as the relay: its smtp-sink, and a real instance of its own.

. "${srcdir:?}/tests/run/lib.sh"

need postfix postfix
need smtp-sink postfix
[ "$(id -u)" -eq 0 ] || skip_all "a Postfix instance needs root"
id postfix >/dev/null 2>&1 || skip_all "there is no user postfix"

chmod 755 "$dir"
umask 022

# A port that was free a moment ago.
free_port() {
	smtpd_name=free start_smtpd
	stop_smtpd
}

listens() {
	is_gone "$1" || (: <"/dev/tcp/127.0.0.1/$smtpd_port") 2>/dev/null
}

# --- smtp-sink
free_port
mkdir "$dir/sink"
chown nobody "$dir/sink"
(cd "$dir/sink" && exec smtp-sink -u nobody -m 12 -d '%M.' \
    "127.0.0.1:$smtpd_port" 100) 2>"$dir/sink.log" &
sink=$!
wait_for 10 listens "$sink"
is_gone "$sink" && bail "smtp-sink does not start: $(cat "$dir/sink.log")"

in_sink() {
	[ "$(find "$dir/sink" -type f | wc -l)" -ge "$1" ]
}

make_spool
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --connections 10
for i in {1..200}; do
	send_simple ann@x.test "r$i@y.test"
done
ok "smtp-sink gets 200 messages" wait_for 60 in_sink 200
ok "the queue is empty" wait_for 10 queue_has 0
is "$(cat "$dir"/sink/* | grep '^X-Rcpt-Args: <r' | sort -u | wc -l)" 200 \
    "each of them"
is "$(find "$dir/sink" -type f | wc -l)" 200 "and none twice"
ok "spoold stops" stop_spoold
kill "$sink"
wait "$sink"

# --- a real one
long="450 4.2.0 a reason that has so much to say that it does not fit into a line"
free_port
pf=$dir/postfix
mkdir "$pf" "$dir/pqueue" "$dir/pdata" "$dir/vmail"
chown postfix "$dir/pdata"
chown nobody "$dir/vmail"
umask 077
make_ca
make_cert postfix 2
umask 022
chmod 644 "$dir/postfix.pem"
cat >"$pf/main.cf" <<EOC
compatibility_level = 3.6
queue_directory = $dir/pqueue
data_directory = $dir/pdata
myhostname = postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = $dir/postfix.log
maillog_file_prefixes = $dir
alias_maps =
alias_database =
local_transport = error:none
virtual_mailbox_domains = y.test
virtual_mailbox_base = $dir/vmail
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_recipient_restrictions =
    check_recipient_access inline:{{none@y.test = REJECT no such user} {busy@y.test = 450 4.2.0 busy} {held@y.test = HOLD}},
    permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
transport_maps = inline:{{later.test = retry:4.2.0 450 4.2.0 come back} {long.test = retry:4.2.0 $long}}
smtpd_tls_cert_file = $dir/postfix.pem
smtpd_tls_key_file = $dir/postfix.key
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
EOC
cat >"$pf/master.cf" <<EOC
127.0.0.1:$smtpd_port inet n - n - 50 smtpd
postlog   unix-dgram n  -  n  -  1  postlogd
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  300  1  qmgr
tlsmgr    unix  -  -  n  1000?  1  tlsmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
verify    unix  -  -  n  -  1  verify
flush     unix  n  -  n  1000?  0  flush
proxymap  unix  -  -  n  -  -  proxymap
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
virtual   unix  -  n  n  -  -  virtual
anvil     unix  -  -  n  -  1  anvil
showq     unix  n  -  n  -  -  showq
EOC
at_cleanup "postfix -c '$pf' abort"
postfix -c "$pf" start >"$dir/postfix-start.log" 2>&1 ||
    bail "Postfix does not start: $(tail -n 2 "$dir/postfix-start.log" |
	tr '\n' ' ')"
wait_for 15 listens 1 || bail "Postfix does not listen"

in_box() {
	[ "$(find "$dir/vmail/box/new" -type f 2>/dev/null | wc -l)" -ge "$1" ]
}

body() {
	sed '1,/^\r*$/d' "$1"
}

newest() {
	find "$dir/vmail/box/new" -type f -printf '%T@ %p\n' | sort -n |
	    tail -n 1 | cut -d ' ' -f 2
}

start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
printf 'Subject: plain\nTo: one@y.test\nTo: two@y.test\n\n.\n..x\ncaf\351\n%s\n' \
    "$(printf '%0990d' 0)" >"$dir/message"
sm -i -B 8BITMIME -f ann@x.test -- bob@y.test <"$dir/message"
ok "plaintext: Postfix delivers it" wait_for 30 in_box 1
body "$(newest)" >"$dir/got"
body "$dir/message" >"$dir/want"
ok "plaintext: the body is unchanged" cmp "$dir/want" "$dir/got"
is "$(grep -c '^To: ' "$(newest)")" 2 "plaintext: repeated fields are kept"
like "$(cat "$(newest)")" "Return-Path: <ann@x.test>" \
    "plaintext: the sender is right"
ok "plaintext: the queue is empty" wait_for 10 queue_has 0

send_simple ann@x.test none@y.test busy@y.test ok@y.test
ok "refusals: the third gets it" wait_for 30 in_box 2
ok "refusals: one failed" wait_for 10 has_events 1 failed
ok "refusals: one waits" wait_for 10 has_events 1 deferred
like "$(spoolq show "$(ls "$spool/queue")")" "550|554" \
    "refusals: Postfix' reply is shown"
spoolq drop "$(ls "$spool/queue")" >/dev/null
ok "refusals: until dropped" wait_for 10 queue_has 0

for i in {1..100}; do
	send_simple ann@x.test "many$i@y.test"
done
ok "a hundred: Postfix delivers all" wait_for 60 in_box 102
ok "a hundred: the queue is empty" wait_for 10 queue_has 0
is "$(find "$dir/vmail/box/new" -type f | wc -l)" 102 "a hundred: each once"
# (The test itself looked whether somebody listens, and hung up.)
is "$(grep 'improper command pipelining\|lost connection\|timeout' \
    "$dir/postfix.log" | grep -vc 'after CONNECT')" 0 \
    "Postfix has nothing to complain about"
ok "spoold stops again" stop_spoold

start_spoold --relay "localhost:$smtpd_port" --tls starttls \
    --ca-file "$dir/ca.pem"
send_simple ann@x.test tls@y.test
ok "STARTTLS: Postfix delivers it" wait_for 30 in_box 103
like "$(cat "$(newest)")" "using TLSv1.[23]" "STARTTLS: inside of TLS"

# --- mailq: the same messages wait at Postfix and with us
send_late() {
	send_simple ann@x.test one@later.test two@later.test
	send_simple ann@x.test three@long.test
}

# What a listing says besides ids, sizes and times, of which only the columns
# count, and the order of the messages.
listing() {
	# shellcheck disable=SC2016 # Perl's variables
	perl -00 -ne '
	s/^-Queue.*\n// and print $&;
	# (Where an id is longer than its column, Postfix shifts the rest.)
	s/^[0-9A-F]{9,11}(([*!]) +| +)\d+ (?<=^.{20}|^.{21})/id$2 size /m;
	s/^(id.? size )\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d /$1time /m;
	s/^-- \d+/-- N/;
	push @all, $_;
	END { print sort @all }'
}

# shellcheck disable=SC2317 # wait_for calls it
postfix_has_put_off() {
	postqueue -c "$pf" -p >"$dir/postqueue"
	[ "$(grep -c '^ *(450 4.2.0 ' "$dir/postqueue")" -eq 2 ] &&
	    grep -q '^-- .* in 3 Requests' "$dir/postqueue"
}
send_late
send_simple '<>' held@y.test
ok "mailq: Postfix keeps three messages" wait_for 30 postfix_has_put_off ||
    diag "$(<"$dir/postqueue")"
ok "spoold stops in the end" stop_spoold
smtpd_name=later start_smtpd \
    --rule 'rcpt match=*@later.test reply "450 4.2.0 come back"' \
    --rule "rcpt match=*@long.test reply \"$long\""
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_late
ok "mailq: and so do we" wait_for 10 has_events 4 deferred
ok "spoold stops after that" stop_spoold
send_simple '<>' held@y.test
for id in "$spool"/queue/*; do
	grep -aq '^rcpt held@' "$id" && spoolq hold "${id##*/}"
done >"$dir/hold.log"
spoolq mailq >"$dir/mailq" 2>"$dir/mailq.log"
is "$(listing <"$dir/mailq")" "$(listing <"$dir/postqueue")" \
    "mailq: ours is Postfix' to the column"
is "$(listing <"$dir/mailq" | grep -c '^id!\? size time  [aM]')" 3 \
    "mailq: of all three"

ok "Postfix stops" eval 'postfix -c "$pf" stop >"$dir/stop.log" 2>&1'
done_testing
