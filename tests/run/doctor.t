#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq doctor: what it finds wrong with spool, configuration and relays, that
# it finds nothing where nothing is, and that it sends nothing.

# As root in a network of the test's own, with a name server.
if [ "${1-}" != inside ] && [ "$(id -u)" -eq 0 ] &&
    command -v dnsmasq ip >/dev/null &&
    unshare --net --mount --uts true 2>/dev/null; then
	exec unshare --net --mount --uts --propagation private "$BASH" "$0" \
	    inside
fi
inside=${1-}
TEST_TIMEOUT=${TEST_TIMEOUT:-180}
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

chmod 755 "$dir"
if [ -n "$inside" ]; then
	printf 'nameserver 127.0.0.1\noptions timeout:4 attempts:1\n' \
	    >"$dir/resolv.conf"
	echo 'hosts: files dns' >"$dir/nsswitch.conf"
	echo '127.0.0.1 localhost client.example.test client' >"$dir/hosts"
	for file in resolv.conf nsswitch.conf hosts; do
		chmod 644 "$dir/$file"
		mount --bind "$dir/$file" "/etc/$file" || bail "cannot mount"
	done
	ip link set lo up || bail "no network of its own"
fi

make_spool
make_ca
make_ca strangers
make_cert good 90
make_cert soon 10
make_cert expired -1
make_cert other 90 DNS:other.test
make_cert strange 90 DNS:localhost strangers
echo right-secret >"$dir/password"
chmod 600 "$dir/password"
# No line is broken, but where the width is what it is about.
COLUMNS=1000
export COLUMNS

# doctor ARGS...: its output in $out, its exit status is the result
doctor() {
	out=$(timeout 60 "$SPOOLQ" -C "$config" --spool "$spool" doctor "$@" \
	    2>"$dir/doctor.err")
}

# start_told ARGS...: start_spoold, and the status tells of it
start_told() {
	start_spoold "$@"
	wait_for 20 has_line "$spool/.status.json" "\"pid\":$spoold_pid," ||
	    fail "the status tells of spoold"
}

# serve CERT ARGS...: a server, and the configuration for it
serve() {
	local cert=$1
	shift
	rm -f "$dir/smtpd.log"
	start_smtpd --cert "$dir/$cert.pem" --key "$dir/$cert.key" \
	    --auth ann:right-secret "$@"
	configure "localhost:$smtpd_port"
}

configure() { # HOST [LINES [TLS [CA_FILE]]]
	cat >"$config" <<EOC
aliases = none
origin = "example.test"
relay main {
	host = "$1"
	tls = ${3-starttls}
	ca_file = "${4-$dir/ca.pem}"
	user = "ann"
	password_file = "$dir/password"
	${2-}
}
EOC
}

# ---- a relay that is well, and how relays are not ------------------------

for mech in PLAIN LOGIN CRAM-MD5; do
	serve good --auth-mechs "$mech"
	ok "$mech: all is well" doctor --relay main
	like "$out" "ok    login     AUTH $mech as 'ann': 235" "$mech: told"
	is "$(count_log 'C: QUIT')" 1 "$mech: takes its leave"
	stop_smtpd
done
like "$out" "ok    tls       TLSv1\.[23], 'good' by 'test CA ca', until .*days" \
    "the certificate is told of"
like "$out" "ok    connect   localhost\[127\.0\.0\.1\]:$smtpd_port" \
    "the server is named"
like "$out" 'all is well' "it says so"
is "$(count_log 'C: (MAIL|RCPT|DATA)') $(count_messages)" "0 0" \
    "nothing is sent"

serve good --implicit-tls
configure "localhost:$smtpd_port" '' implicit
ok "implicit TLS" doctor --relay main
stop_smtpd

# ails STATUS NAME REGEX...: each of the regular expressions is in the output
ails() {
	local status=$1 name=$2 regex
	shift 2
	fails "$status" "$name" doctor --relay main
	for regex; do
		like "$out" "$regex" "$name: $regex"
	done
	unlike "$out$(<"$dir/doctor.err")" 'secret|cmlnaH' "$name: no secret"
}

serve soon
ails 1 "soon to expire" 'warn  tls .*days\)' '-> have it renewed' \
    'ok    login'
stop_smtpd
serve expired
ails 2 "expired" 'FAIL  tls .*expired' "-> have the server's admin"
is "$(count_log 'C: AUTH')" 0 "expired: no password is sent"
COLUMNS=80 doctor
is "$(printf '%s\n' "$out" | awk 'length > 80' | wc -l)" 0 \
    "80 columns are enough"
stop_smtpd
serve other
ails 2 "another name" 'FAIL  tls .*other\.test' '-> use a name that is in'
stop_smtpd
serve strange
ails 2 "unknown CA" 'FAIL  tls .*unknown CA' '-> set ca_file'
stop_smtpd
serve good --auth ann:wrong
ails 2 "a wrong password" "FAIL  login .*as 'ann': 535" '-> check user and'
is "$(count_log 'C: AUTH')" 1 "a wrong password is said once"
stop_smtpd
serve good --max-size 1000000
ails 1 "small messages only" 'warn  size' '-> lower message_size_max'
stop_smtpd
serve good --rule 'connect reply "554 go away"'
ails 2 "a refusal" 'FAIL  greeting .*554 go away' '->'
stop_smtpd
serve good --rule 'auth drop'
ails 2 "dropped at AUTH" 'FAIL  login' '->'
stop_smtpd
ails 2 "a closed port" 'FAIL  connect .*refused' '-> check host and port'
configure "unix:$dir/none"
ails 2 "no socket" 'FAIL  connect' '->'
configure no-such-host.invalid
ails 2 "an unknown name" 'FAIL  resolve   no-such-host\.invalid:25: ' \
    '-> check the name'

start_smtpd
configure "localhost:$smtpd_port" 'login_in_clear = yes' opportunistic
ails 2 "no AUTH" 'FAIL  login .*not offered'
stop_smtpd

# ---- bounded in time -----------------------------------------------------

start_smtpd --rule 'connect delay 300'
{
	echo 'origin = "example.test"'
	for i in {1..16}; do
		echo "relay mute$i { host = \"127.0.0.1:$smtpd_port\" }"
	done
} >"$config"
fails 2 "sixteen mute relays are looked at together" doctor --timeout 2
is "$(grep -c 'FAIL  greeting' <<<"$out")" 16 "and told of one by one"
stop_smtpd

# ---- DNS -----------------------------------------------------------------

if [ -n "$inside" ]; then
	make_cert named 90 DNS:a.example.test
	many=()
	for i in {1..60}; do
		many+=("--host-record=many.example.test,127.123.123.$((100+i))")
	done
	smtpd_name=srv start_smtpd --listen 127.0.0.2 --implicit-tls \
	    --cert "$dir/named.pem" --key "$dir/named.key" \
	    --auth ann:right-secret
	dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root \
	    --pid-file= --no-resolv --no-hosts --local=/test/ \
	    --listen-address=127.0.0.1 --bind-interfaces \
	    --log-facility="$dir/dns.log" \
	    --host-record=a.example.test,127.0.0.2 \
	    --host-record=b.example.test,127.0.0.3 "${many[@]}" \
	    --srv-host="_submissions._tcp.example.test,a.example.test,\
$smtpd_port,1,1" \
	    --srv-host="_submissions._tcp.example.test,b.example.test,1,2,1" \
	    >"$dir/dnsmasq.log" 2>&1 </dev/null &
	wait_for 10 has_line "$dir/dns.log" 'started, version' ||
	    bail "no name server: $(tail -n 1 "$dir/dnsmasq.log")"
	configure srv:example.test
	ails 2 "SRV, one of two is down" \
	    "ok    srv       srv:example\.test: a\.example\.test:$smtpd_port," \
	    "ok    connect   a\.example\.test\[127\.0\.0\.2\]" \
	    "ok    login" "FAIL  connect   b\.example\.test\[127\.0\.0\.3\]:1"
	configure many.example.test:1
	ails 2 "a name with sixty addresses" \
	    'ok    resolve   many\.example\.test:1: 127\.123\.123\.1' \
	    'FAIL  connect   many\.example\.test.127\.123\.123\.1.*refused'
	configure srv:nothing.test
	ails 2 "SRV, none" 'FAIL  srv .*it has none' '-> check the domain'
	end_process $!
else
	skip "SRV" "needs root, namespaces, dnsmasq-base and iproute2"
fi

# ---- the configuration ---------------------------------------------------

serve good
chmod 644 "$dir/password"
fails 2 "a password for all to read" doctor
like "$out" 'FAIL  config .*lets others read it' "… is told of"
chmod 600 "$dir/password"
configure localhost:1 '' starttls "$dir/none.pem"
fails 2 "a missing ca_file" doctor
like "$out" 'FAIL  config .*none\.pem' "… is told of"
configure localhost:1
echo "generic = \"$dir/senders\"" >>"$config"
fails 2 "a map that is not there" doctor
like "$out" "FAIL  config .*generic '.*No such" "… is told of"
echo 'root' >"$dir/senders"
fails 2 "a map with a bad line" doctor
like "$out" 'FAIL  config .*senders:1: skipped' "… is told of"
configure localhost:1 '' starttls "$dir/senders"
fails 2 "an authority without a certificate" doctor
like "$out" 'FAIL  config .*has no certificate' "… is told of"
echo 'relay = ' >"$config"
fails 2 "a torn configuration" doctor
like "$out" 'FAIL  config' "… is told of"
like "$out" 'ok    disk' "… and the rest is looked at"
printf 'origin = "example.test"\n' >"$config"
fails 2 "no relay" doctor
like "$out" 'FAIL  config .*no relay' "… is told of"
fails 64 "an unknown relay" doctor --relay none
fails 64 "a bad timeout" doctor --timeout x

# ---- the spool -----------------------------------------------------------

configure "localhost:$smtpd_port"
fails 2 "no spoold" doctor
like "$out" 'FAIL  spoold .*not running' "no spoold: told"
like "$out" 'ok    spool .*mode 0700' "the spool is well"
like "$out" '(ok|warn)  +fsync' "fsync is timed"
like "$out" '(ok|warn)  +clock .*20[0-9][0-9]-' "the clock is looked at"
start_told
doctor
like "$out" "ok    spoold    runs, process $spoold_pid" "spoold is found"
like "$out" 'ok    control' "and so is .control"
unlike "$out" FAIL "nothing fails"
kill -STOP "$spoold_pid"
doctor
like "$out" 'FAIL  spoold .*does not answer' "one that is stopped is found out"
unlike "$out" 'ok    control' "which its socket does not tell"
kill -CONT "$spoold_pid"
doctor --json
status=$?
is "$(grep -vc '^{"result": *"\(ok\|warn\)",.*}$' <<<"$out")" 0 \
    "JSON: an object on each line"
if command -v jq >/dev/null; then
	is "$(jq -s 'map(select(.check == "tls" and .relay == "main")) |
	    .[0].expires > now' <<<"$out")" true "JSON: when it expires"
	is "$(jq -s 'if any(.result == "warn") then 1 else 0 end' <<<"$out")" \
	    "$status" "JSON: the worst is the exit status"
fi
stop_spoold || fail "spoold stops"

ln -s "$config" "$dir/conf-link"
start_told -C "$dir/conf-link"
doctor
like "$out" "ok    spoold    runs" "a link to the configuration is no other"
stop_spoold || fail "spoold stops"

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	out=$(ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o /dev/null \
	    -e inject=adjtimex,clock_adjtime:error=EPERM "$SPOOLQ" \
	    -C "$config" --spool "$spool" doctor 2>/dev/null)
	like "$out" 'ok    clock .*cannot tell whether it is synchronised' \
	    "who may not ask the clock does not know"
else
	skip "a clock that does not answer" "strace is not there"
fi

chmod 715 "$spool"
chmod 770 "$spool/tmp" "$spool/queue"
fails 2 "a shared spool for everybody to read" doctor
like "$out" $'-> chmod o-rw\n' "the way to .control stays"
chmod 700 "$spool/tmp" "$spool/queue"
chmod 777 "$spool"
fails 2 "a spool for everybody to write" doctor
like "$out" "FAIL  spool .*writable by everybody" "… is told of"
like "$out" "ok    login" "… and the relay is looked at"
chmod 755 "$spool"
doctor
unlike "$out" "FAIL  spool " "one's own that others can look into is none"
chmod 770 "$spool/queue"
doctor
like "$out" "FAIL  spool .*read by everybody" "one for the group is"
chmod 700 "$spool" "$spool/queue"
rmdir "$spool/hold"
fails 2 "a missing directory" doctor
like "$out" "FAIL  spool     '$spool/hold'" "… is told of"
rm -rf "$spool"
fails 2 "no spool" doctor
like "$out" "FAIL  spool     '$spool'" "… is told of"

# ---- as root -------------------------------------------------------------

if [ -n "$inside" ]; then
	mkdir -m 700 "$dir/small"
	mount -t tmpfs -o size=3M,mode=700 small "$dir/small"
	spool=$dir/small/spool
	make_spool
	fails 2 "a disk that is full" doctor
	like "$out" 'FAIL  disk' "… is told of"
	like "$out" 'warn  fsync .*tmpfs' "and that it is in memory"
	umount "$dir/small"
	spool=$dir/spool
	make_spool
	chown -R 65533:65533 "$spool"
	chmod 711 "$spool"
	chmod 770 "$spool/tmp" "$spool/queue"
	touch "$dir/sendmail"
	chmod 755 "$dir/sendmail"
	[ -e /usr/sbin/sendmail ] || touch /usr/sbin/sendmail
	mount --bind "$dir/sendmail" /usr/sbin/sendmail
	doctor
	like "$out" 'warn  sendmail .*another program' "a sendmail of others'"
	umount /usr/sbin/sendmail
	cp "$SENDMAIL" "$dir/sendmail"
	chmod 755 "$dir/sendmail"
	mount --bind "$dir/sendmail" /usr/sbin/sendmail
	doctor
	like "$out" 'FAIL  sendmail .*not set-gid' "ours, without set-gid"
	chgrp 65533 "$dir/sendmail"
	chmod 2755 "$dir/sendmail"
	doctor
	like "$out" 'ok    sendmail .*set-gid' "ours, with set-gid"
	umount /usr/sbin/sendmail
	like "$out" 'FAIL  config .*password.*Permission denied' \
	    "root looks with the eyes of the spool's owner"
	chown 65533 "$dir/password"
	chmod 644 "$config" "$dir/ca.pem"
	ok "the owner's password" doctor --relay main
	setpriv --reuid=65534 --regid=65534 --clear-groups env \
	    SPOOLD_EXEC_PATH="$SPOOLD_EXEC_PATH" "$SPOOLQ" -C "$config" \
	    --spool "$spool" doctor >"$dir/other.out" 2>&1
	out=$(<"$dir/other.out")
	like "$out" 'ok    tls' "another user sees the relay"
	unlike "$out" 'ok    login|FAIL  config' "without a login"
else
	skip "as root" "needs root and namespaces"
fi
stop_smtpd

done_testing
