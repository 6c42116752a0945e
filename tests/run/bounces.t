#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What senders are told of mail that fails, is late, or was taken over by a
# relay that reports nothing.

. "${srcdir:?}/tests/run/lib.sh"

need python3
make_spool
reports() { # LINE...: a configuration with bounces
	printf '%s\n' 'aliases = none' 'freq = 1s' 'origin = "here.test"' \
	    "$@" >"$config"
}
cat >"$dir/script" <<'EOS'
rcpt match=none* reply "550 5.1.1 no \x1b[2Jsuch <user> here"
rcpt match=busy* reply "450 4.2.0 mailbox busy"
rcpt match=gone@boss* reply "550 5.1.1 gone"
EOS
reports
start_smtpd --script "$dir/script" --without DSN
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

# report_of PATTERN: the file of the one message whose envelope fits
report_of() {
	local env
	env=$(grep -lE -- "$1" "$smtpd_out"/*.env 2>/dev/null | head -n 1)
	echo "${env%.env}.eml"
}
# told PATTERN: that message is there, which it is after its envelope
told() {
	[ -e "$(report_of "$1")" ]
}
cat >"$dir/parts.py" <<'EOF'
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], "rb"),
    policy=email.policy.default)
parts = list(m.iter_parts())
assert not m.defects, m.defects
print("type", m.get_content_type(), m["content-type"].params["report-type"])
print("from", m["from"])
print("subject", m["subject"])
print("auto", m["auto-submitted"])
print("reply", m["in-reply-to"])
print("parts", *[p.get_content_type() for p in parts])
print("words", " ".join(parts[0].get_content().split()))
for group in parts[1].get_payload():
    for name, value in group.items():
        print("field", name + ":", value)
last = parts[2]
inner = last.get_payload(0) if last.is_multipart() else last
print("original", inner["subject"] or inner.get_payload())
print("body", inner.get_payload() if last.is_multipart() else "none")
EOF
parts() {
	python3 "$dir/parts.py" "$1" 2>&1
}

# ---- failure -----------------------------------------------------------

printf 'Subject: the invoice\nMessage-Id: <i1@x.test>\n\nPay.\n' |
    sm -i -f ann@x.test none1@y.test ok@y.test none2@y.test busy@y.test
ok "the sender is told" wait_for 10 told 'rcpt <ann@x.test>'
file=$(report_of 'rcpt <ann@x.test>')
like "$(cat "${file%.eml}.env")" "mail <>" "from the null sender"
parts "$file" >"$dir/report"
report=$(<"$dir/report")
like "$report" "^type multipart/report delivery-status" "a report (RFC 3464)"
like "$report" $'\nfrom Mail Delivery System <MAILER-DAEMON@here.test>' "from"
like "$report" $'\nsubject Undelivered: the invoice' "its subject tells"
like "$report" $'\nauto auto-replied' "no vacation program answers it"
like "$report" $'\nreply <i1@x.test>' "it is an answer"
like "$report" $'\nparts text/plain message/delivery-status message/rfc822' \
    "it has three parts"
like "$report" 'could not be delivered to 2 recipients' "people read what"
like "$report" '550 5\.1\.1 no .*such <user> here' "in the relay's words"
like "$report" 'What to do: ' "and what to do"
unlike "$(<"$file")" $'\x1b' "without control characters"
like "$report" $'\nfield Final-Recipient: rfc822; *none1@y.test' "the first"
like "$report" $'\nfield Final-Recipient: rfc822; *none2@y.test' "the second"
unlike "$report" 'Recipient: rfc822; *(ok|busy)@' "and nobody else"
is "$(grep -c '^field Action: failed$' "$dir/report")" 2 "both failed"
like "$report" $'\nfield Status: 5.1.1' "with the relay's status"
like "$report" $'\nfield Reporting-MTA: dns; ' "told by this machine"
like "$report" $'\nbody Pay' "the original is there"
ok "the message waits for the busy one" wait_for 10 queue_has 1
is "$(queued failed)" 0 "in the queue"
is "$(events reported)" 1 "one report for both"
restart_smtpd --rule 'rcpt match=busy* reply "550 5.2.2 full for ever"' \
    --rule 'rcpt match=none* reply "550 5.1.1 no"' --without DSN
ok "later another one fails" flushing 15 told 'rcpt <ann@x.test>'
unlike "$(parts "$(report_of 'rcpt <ann@x.test>')")" none1@y.test \
    "the second report does not repeat the first"
ok "then the message goes" wait_for 10 queue_has 0
is "$(queued failed)" 0 "and is not kept: its sender knows"

# ---- what is asked for -------------------------------------------------

# Each of them at once: no report about a message that waits for another.
send_dsn() { # FROM NOTIFY [ARGS...]
	printf 'Subject: dsn\n\nbody\n' | sm -i -f "$1" -N "$2" "${@:3}"
}
send_dsn never@x.test never none@y.test
ok "NOTIFY=NEVER: kept" wait_for 10 queue_has 1 failed
send_dsn hdrs@x.test failure -R hdrs -V env+id none@y.test
ok "NOTIFY=FAILURE: told" wait_for 10 told 'rcpt <hdrs@x.test>'
report=$(parts "$(report_of 'rcpt <hdrs@x.test>')")
like "$report" "text/rfc822-headers" "RET=HDRS: the header only"
like "$report" $'\nfield Original-Envelope-Id: env\\+id' "with the ENVID"
send_dsn yes@x.test success ok@y.test
ok "NOTIFY=SUCCESS, and the relay does not report: told" \
    wait_for 10 told 'rcpt <yes@x.test>'
like "$(parts "$(report_of 'rcpt <yes@x.test>')")" 'field Action: relayed' \
    "that it was relayed"
send_dsn no@x.test failure ok@y.test
printf 'Subject: null\n\nbody\n' | sm -i -f '<>' none@y.test
ok "what has no sender is kept" wait_for 10 queue_has 2 failed
ok "that is all" wait_for 10 queue_has 0
ok "nobody is told who did not want it" eval '! told "rcpt <never@x.test>"'
ok "nobody is told of success who did not ask" \
    eval '! told "rcpt <no@x.test>"'
{
	printf 'Subject: large\n\n'
	head -c 100000 /dev/zero | tr '\0' 'x' | fold -w 70
} | sm -i -f large@x.test none@y.test
ok "a large message fails" wait_for 10 told 'rcpt <large@x.test>'
size=$(stat -c %s "$(report_of 'rcpt <large@x.test>')")
at_most "$size" 10000 "its report is small"
stop_spoold
rm -f "$spool"/failed/*

# ---- the postmaster ----------------------------------------------------

reports 'postmaster = "boss@boss.test"' 'keep_failed = yes'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
printf 'Subject: twice\n\nbody\n' | sm -i -f none9@x.test none@y.test
ok "a report that fails is reported to the postmaster" \
    wait_for 10 told 'rcpt <boss@boss.test>'
like "$(parts "$(report_of 'rcpt <boss@boss.test>')")" 'none9@x.test' \
    "he reads who could not be told"
ok "both are kept" wait_for 10 queue_has 2 failed
ok "nothing waits" wait_for 10 queue_has 0
stop_spoold
rm -f "$spool"/failed/*
reports 'postmaster = "gone@boss.test"'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
restart_smtpd --script "$dir/script"
printf 'Subject: thrice\n\nbody\n' | sm -i -f none9@x.test none@y.test
ok "a postmaster who cannot be reached ends it" \
    wait_for 10 queue_has 2 failed
ok "nothing waits" wait_for 10 queue_has 0
is "$(queued failed)" 2 "there is no fourth message"
stop_spoold
rm -f "$spool"/failed/*

# ---- late --------------------------------------------------------------

reports 'delay_warning = 1s'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
printf 'Subject: slow\n\nbody\n' | sm -i -f late@x.test busy@y.test
ok "who waits is told that it is late" wait_for 20 told 'rcpt <late@x.test>'
report=$(parts "$(report_of 'rcpt <late@x.test>')")
like "$report" 'subject Delayed: slow' "so its subject"
like "$report" 'field Action: delayed' "so its fields"
like "$report" 'field Will-Retry-Until: ' "and until when"
like "$report" 'nothing you have to do' "and people need not worry"
# The report has gone, and spoold knows it: it is not sent again.
ok "the message waits on" wait_for 10 queue_has 1
scans=$(events warned)
stop_spoold
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
printf 'Subject: marker\n\nbody\n' | sm -i -f late2@x.test busy@y.test
ok "another one is late" wait_for 20 told 'rcpt <late2@x.test>'
ok "and waits on" wait_for 10 queue_has 2
is "$(grep -l 'rcpt <late@x.test>' "$smtpd_out"/*.env | wc -l)" 1 \
    "the first is not told again, not even after another start"
is "$scans" 1 "one warning was journalled then"
mapfile -t left < <(find "$spool/queue" -type f -printf '%f\n')
spoolq drop "${left[@]}" >/dev/null 2>&1
ok "both are dropped" queue_has 0
stop_spoold

# ---- many of one message ----------------------------------------------

# Scans come in between, for the relay takes its time.
reports 'recipients_per_message = 3'
restart_smtpd --rule \
    'rcpt match=none* delay 0.1; reply "550 5.1.1 no such user"' --without DSN
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
many=()
for i in {1..40}; do
	many+=("none$i@y.test")
done
printf 'Subject: many\n\nbody\n' | sm -i -f many@x.test "${many[@]}"
ok "forty refused, three at a time: told" wait_for 20 told 'rcpt <many@x.test>'
ok "and the queue is empty" wait_for 20 queue_has 0
mapfile -t told < <(grep -l 'rcpt <many@x.test>' "$smtpd_out"/*.env)
is "$(cat "${told[@]/%env/eml}" | grep -c '^Action: failed')" 40 \
    "of each once"
is "$(grep -l 'rcpt <many@x.test>' "$smtpd_out"/*.env | wc -l)" 1 \
    "in one report"
ok "spoold is alive" stop_spoold

# ---- others that take long ---------------------------------------------

rm -rf "$spool"
make_spool
restart_smtpd --rule 'rcpt match=mute* delay 300' \
    --rule 'rcpt match=none* reply "550 5.1.1 no such user"' --without DSN
printf '%s\n' 'aliases = none' 'freq = 1h' 'origin = "here.test"' \
    "relay main { host = \"127.0.0.1:$smtpd_port\" tls = none }" \
    "relay slow { host = \"127.0.0.1:$smtpd_port\" tls = none }" \
    'route { recipient = slow.test relay = slow }' >"$config"
start_spoold
printf 'Subject: mixed\n\nbody\n' |
    sm -i -f mixed@x.test none@y.test mute@slow.test
ok "one is refused, one takes long" wait_for 10 has_events 1 failed
is "$(events reported)" 0 "the report waits for the other"
ok "but not for ever, nor for the next scan" \
    wait_for 60 told 'rcpt <mixed@x.test>'
ok "the other one is still being tried" has_line <(spoolq list) sending
kill_spoold
rm -rf "$spool"
make_spool
restart_smtpd --script "$dir/script" --without DSN

# ---- a storm, and a crash ----------------------------------------------

reports 'bounce_rate = "3/h"'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
for i in {1..10}; do
	printf 'Subject: storm %s\n\nbody\n' "$i" |
	    sm -i -f loop@x.test none@y.test
done
ok "of ten, seven are only kept" wait_for 20 queue_has 7 failed
ok "and the queue is empty" wait_for 10 queue_has 0
is "$(grep -l 'rcpt <loop@x.test>' "$smtpd_out"/*.env | wc -l)" 3 \
    "three reports"
stop_spoold
rm -f "$spool"/failed/*

# The report was made and sent, and spoold dies before it says so.
reports
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
printf 'Subject: crash\n\nbody\n' | sm -i -f crash@x.test none@y.test busy@y.test
ok "a report goes out" wait_for 10 told 'rcpt <crash@x.test>'
# What is on its way when it dies is sent again.
ok "and has gone" wait_for 10 queue_has 1
kill_spoold
sed -i '/"event":"reported"/d' "$spool/.journal.jsonl"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
printf 'Subject: after\n\nbody\n' | sm -i -f after@x.test none@y.test
ok "the next one is told of" wait_for 10 told 'rcpt <after@x.test>'
ok "no other report waits" wait_for 10 queue_has 1
is "$(grep -l 'rcpt <crash@x.test>' "$smtpd_out"/*.env | wc -l)" 1 \
    "what was told before the crash is not told again"
ok "spoold ends in order" stop_spoold
done_testing
