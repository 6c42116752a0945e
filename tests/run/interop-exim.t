#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A real Exim as the relay: plaintext, STARTTLS by GnuTLS, AUTH, refusals.

. "${srcdir:?}/tests/run/lib.sh"

exim=$(bash "$srcdir/tests/run/get-exim" 2>"$dir/get.log") ||
    skip_all "$(tail -n 1 "$dir/get.log")"
[ "$(id -u)" -eq 0 ] || skip_all "Exim wants to be root"
# The program insists on its user, which only an installation makes: for its
# eyes alone there is one.
{ cat /etc/passwd; echo 'Debian-exim:x:65534:65534::/:/bin/false'; } \
    >"$dir/passwd"
{ cat /etc/group; echo 'Debian-exim:x:65534:'; } >"$dir/group"
chmod 644 "$dir/passwd" "$dir/group"
in_namespace() {
	unshare --mount sh -c 'mount --bind "$0/passwd" /etc/passwd &&
	    mount --bind "$0/group" /etc/group && exec "$@"' "$dir" "$@"
}
in_namespace true 2>"$dir/unshare.log" ||
    skip_all "needs a mount namespace: $(tail -n 1 "$dir/unshare.log")"

# A port that was free a moment ago.
start_smtpd
port=$smtpd_port
stop_smtpd

make_ca
make_cert exim 2
chmod 755 "$dir"
mkdir "$dir/espool" "$dir/elog" "$dir/mail"
cp "$dir/exim.key" "$dir/exim-daemon.key"
chown 65534:65534 "$dir"/{espool,elog,mail,exim-daemon.key}
chmod 644 "$dir/exim.pem"
cat >"$dir/exim.conf" <<EOC
primary_hostname = exim.test
exim_path = $exim
spool_directory = $dir/espool
log_file_path = $dir/elog/%s
pid_file_path = $dir/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = $port
deliver_drop_privilege = true
queue_only = false
queue_run_in_order = false
smtp_accept_max = 50
smtp_accept_max_per_connection = 1000
smtp_accept_queue_per_connection = 0
message_size_limit = 20M
tls_advertise_hosts = *
tls_certificate = $dir/exim.pem
tls_privatekey = $dir/exim-daemon.key
auth_advertise_hosts = *
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
accept_8bitmime = true
remote_max_parallel = 1
keep_environment =
begin acl
check_rcpt:
  deny local_parts = none
       message = no such user here
  defer local_parts = busy
       message = come back later
  deny domains = secret.test
       !authenticated = *
       message = authentication required
  accept
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  directory = $dir/mail
  maildir_format
  user = nobody
  group = nogroup
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{ann}}{eq{\$auth3}{secret}}}}
  server_set_id = \$auth2
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if eq{\$auth1}{ann}{secret}fail}
  server_set_id = \$auth1
EOC
chmod 644 "$dir/exim.conf"
in_namespace "$exim" -C "$dir/exim.conf" -bdf >"$dir/exim-out.log" 2>&1 &
exim_pid=$!
answers() {
	is_gone "$exim_pid" || (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}
wait_for 15 answers
is_gone "$exim_pid" && bail "Exim does not start: $(
    tail -n 1 "$dir/exim-out.log")"

in_maildir() {
	[ "$(find "$dir/mail/new" -type f 2>/dev/null | wc -l)" -ge "$1" ]
}

# body FILE: what follows the header
body() {
	sed '1,/^\r*$/d' "$1"
}

newest() {
	find "$dir/mail/new" -type f -printf '%T@ %p\n' | sort -n |
	    tail -n 1 | cut -d ' ' -f 2
}

make_spool
start_spoold --relay "127.0.0.1:$port" --tls none
printf 'Subject: plain\nTo: one@y.test\nTo: two@y.test\n\n.\n..x\n%s\n' \
    "$(printf '%0900d' 0)" >"$dir/message"
sm -i -f ann@x.test -- bob@y.test <"$dir/message"
ok "plaintext: Exim delivers it" wait_for 20 in_maildir 1
body "$(newest)" >"$dir/got"
body "$dir/message" >"$dir/want"
ok "plaintext: the body is unchanged" cmp "$dir/want" "$dir/got"
is "$(grep -c '^To: ' "$(newest)")" 2 "plaintext: repeated fields are kept"
like "$(cat "$(newest)")" "Return-path: <ann@x.test>" \
    "plaintext: the sender is right"
ok "plaintext: the queue is empty" wait_for 10 queue_has 0

send_simple ann@x.test none@y.test busy@y.test ok@y.test
ok "refusals: the others get it" wait_for 20 in_maildir 2
ok "refusals: one failed" wait_for 10 has_events 1 failed
ok "refusals: one waits" wait_for 10 has_events 1 deferred
is "$(queued)" 1 "refusals: the message stays"
spoolq drop "$(ls "$spool/queue")" >/dev/null
ok "refusals: until dropped" wait_for 10 queue_has 0

for i in {1..50}; do
	send_simple ann@x.test "many$i@y.test"
done
ok "fifty: Exim delivers all" wait_for 60 in_maildir 52
ok "fifty: the queue is empty" wait_for 10 queue_has 0
is "$(find "$dir/mail/new" -type f | wc -l)" 52 "fifty: each once"
ok "spoold stops" stop_spoold

start_spoold --relay "localhost:$port" --tls starttls \
    --ca-file "$dir/ca.pem"
send_simple ann@x.test tls@y.test
ok "STARTTLS: Exim delivers it" wait_for 20 in_maildir 53
like "$(cat "$(newest)")" "esmtps" "STARTTLS: inside of TLS"
send_simple ann@x.test who@secret.test
ok "STARTTLS: that a login is wanted is the relay's trouble" \
    wait_for 10 has_events 1 relay-down
ok "STARTTLS: what was sent has left" wait_for 10 queue_has 1
is "$(queued) $(events failed)" "1 1" "STARTTLS: the message waits for it"
ok "spoold stops again" stop_spoold

echo secret >"$dir/password"
chmod 600 "$dir/password"
start_spoold --relay "localhost:$port" --tls starttls \
    --ca-file "$dir/ca.pem" --user ann --password-file "$dir/password"
# (It was this message on which the relay did so: it waits a minute by itself.)
ok "AUTH: Exim delivers it" flushing 20 in_maildir 54
like "$(cat "$(newest)")" "esmtpsa" "AUTH: as somebody it knows"
ok "spoold stops in the end" stop_spoold

end_process "$exim_pid" 2>/dev/null
done_testing
