#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail --wait and --explain when sendmail is set-group-id: on a copy of
# this machine (machine.sh), as a user who may not look into the spool.

set -u
: "${srcdir:?}" "${builddir:?}"
self=$srcdir/tests/run/${0##*/}
. "$srcdir/tests/run/machine.sh"

case ${1:-} in
'')
	! is_sanitized || skip_copy 'sanitizers do not run set-gid'
	enter_copy "$self"
	;;
namespace)
	make_copy "$self"
	;;
esac

. "$srcdir/tests/run/lib.sh"

learn_paths || bail "where is it all?"
umask 022
make_in_build install >"$dir/install.log" 2>&1 || bail "cannot install"
useradd -m alice
chmod 711 "$dir"
sendmail=$sbindir/sendmail
printf 'Subject: test\n\nsmall\n' >"$dir/mail"

# configure LINE...: the configuration, readable by everybody
configure() {
	printf '%s\n' 'origin = "o.test"' 'aliases = "/etc/aliases"' "$@" \
	    >"$confdir/spoold.conf"
	chmod 644 "$confdir/spoold.conf"
}

launch() {
	rm -f "$spool/.control"
	"$sbindir/spoold" -C "$confdir/spoold.conf" "$spool" \
	    >>"$spoold_log" 2>&1 </dev/null &
	spoold_pid=$!
	wait_for 20 [ -S "$spool/.control" ] || bail "spoold did not start"
}

# by_alice ARGS...: $out, $err, $status
by_alice() {
	out=$(as alice "$sendmail" "$@" <"$dir/mail" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

# ---- waiting -----------------------------------------------------------

mkdir -m 700 "$dir/mail.d"
chown "$user:$group" "$dir/mail.d"
configure "relay = \"maildir:$dir/mail.d/md\""
by_alice --wait=20s -i a@y.test
is "$status" 75 "no spoold: 75"
like "$err" "spoold is not running; it stays in the queue\$" "which it says"
launch
is "$(stat -c '%a %U:%G' "$spool/.control")" "666 $user:$group" \
    "the socket is for everybody"
by_alice --wait=20s -i a@y.test
is "$status|$out|$err" "0||" "a user waits until it is delivered"
as alice perl -MIO::Socket::UNIX -e 'exit(IO::Socket::UNIX->new(
    Peer => shift) ? 0 : $!{EACCES} ? 13 : 1)' "$spool/.control"
is "$?" 0 "who gets as far as the socket without sendmail"
as alice ls "$spool" >"$dir/ls.out" 2>&1
unlike "$?" '^0$' "but may not see what else is there"
as alice cat "$spool"/.status.json "$spool"/.journal.jsonl >"$dir/cat.out" \
    2>"$dir/cat.err"
is "$(<"$dir/cat.out")" "" "nor read it"
stop_spoold

configure
launch
# Not by way of a function: the process itself is looked at.
setpriv --reuid alice --regid alice --init-groups --reset-env \
    "$sendmail" --wait=60s -i b@y.test <"$dir/mail" >"$dir/said" 2>&1 &
waiting=$!
ok "a message waits" wait_for 10 queue_has 1
group_of() {
	awk '$1 == "Gid:" { print $3 }' "/proc/$waiting/status"
}
gives_up_group() {
	[ "$(group_of)" = "$(id -g alice)" ]
}
ok "its sendmail has given up the group" wait_for 10 gives_up_group
stop_spoold
ok "spoold ends: it goes on waiting" eval '! is_gone "$waiting"'
configure "relay = \"maildir:$dir/mail.d/md\""
launch
ok "it ends when the message is delivered" wait_for 20 is_gone "$waiting"
wait "$waiting"
is "$?|$(<"$dir/said")" "0|" "by the spoold that came then"
has_arrived() { # N
	[ "$(find "$dir/mail.d/md/new" -type f | wc -l)" -eq "$1" ]
}
ok "all of it has arrived" wait_for 10 has_arrived 3

# ---- explaining --------------------------------------------------------

echo 'root: secret-alias@corp.test, other-secret@corp.test' >/etc/aliases
configure 'relay = "secret-relay.test:587"' 'tls = starttls' \
    'user = "secret-login"' "password_file = \"$confdir/secret-password\""
by_alice --explain -i root c@y.test
is "$status|$err" "0|" "a user has it explained"
like "$out" "
recipient  secret-alias@corp.test, for root@o.test
.*
relay      secret-relay.test:587, the only one
           tls starttls, login as secret-login
spool      $spool
by         uid $(id -u alice), login alice
" "with all that he may read"
unlike "$out" "secret-password" "but no word of the password"

chown "root:$group" "$confdir/spoold.conf"
chmod 640 "$confdir/spoold.conf"
by_alice -i root
is "$status|$err" "0|" "a configuration that users may not read does its work"
by_alice --explain -i root c@y.test
is "$status|$err" "0|" "and is explained"
unlike "$out$err" "secret|$spool" "without anything that is in it"
like "$out" "
recipient  not shown, for a local one is among them: \
you may not read $confdir/spoold.conf
" "where an alias leads is not said"
is "$(grep -c '^recipient' <<<"$out")" 1 "nor to how many"
like "$out" "
relay      not shown: you may not read $confdir/spoold.conf
" "nor the relay"

chown root:root "$confdir/spoold.conf"
chmod 644 "$confdir/spoold.conf"
chown "root:$group" /etc/aliases
chmod 640 /etc/aliases
by_alice --explain -i root
unlike "$out$err" "secret-alias" "an alias file that users may not read"
by_alice -I
unlike "$out$err" "secret-alias" "newaliases does not show it either"

ok "spoold ends" stop_spoold
done_testing
