#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Postfix as the relay of mail beyond ASCII, with and without SMTPUTF8.

. "${srcdir:?}/tests/run/lib.sh"

need postfix postfix
[ "$(id -u)" -eq 0 ] || skip_all "a Postfix instance needs root"
id postfix >/dev/null 2>&1 || skip_all "there is no user postfix"

chmod 755 "$dir"
umask 022

# A port that was free a moment ago.
smtpd_name=free start_smtpd
stop_smtpd

listens() {
	(: <"/dev/tcp/127.0.0.1/$smtpd_port") 2>/dev/null
}

pf=$dir/postfix
mkdir "$pf" "$dir/pqueue" "$dir/pdata" "$dir/vmail"
chown postfix "$dir/pdata"
chown nobody "$dir/vmail"
cat >"$pf/main.cf" <<EOC
compatibility_level = 3.6
smtputf8_enable = yes
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
virtual_mailbox_domains = y.test, bücher.test, xn--bcher-kva.test
virtual_mailbox_base = $dir/vmail
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
EOC
cat >"$pf/master.cf" <<EOC
127.0.0.1:$smtpd_port inet n - n - 50 smtpd
postlog   unix-dgram n  -  n  -  1  postlogd
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  300  1  qmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
verify    unix  -  -  n  -  1  verify
proxymap  unix  -  -  n  -  -  proxymap
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
virtual   unix  -  n  n  -  -  virtual
anvil     unix  -  -  n  -  1  anvil
showq     unix  n  -  n  -  -  showq
EOC
at_cleanup "postfix -c '$pf' abort"

# begin_postfix yes|no: with SMTPUTF8 or without
begin_postfix() {
	postconf -c "$pf" -e "smtputf8_enable=$1"
	postfix -c "$pf" start >"$dir/postfix-start.log" 2>&1 ||
	    bail "Postfix does not start: $(tail -n 2 "$dir/postfix-start.log" |
		tr '\n' ' ')"
	wait_for 15 listens || bail "Postfix does not listen"
}

in_box() {
	[ "$(find "$dir/vmail/box/new" -type f 2>/dev/null | wc -l)" -ge "$1" ]
}

# arrives NAME TEXT SENDER RECIPIENT...: the mailbox gets one with TEXT
boxes=0
arrives() {
	local name=$1 text=$2 sender=$3
	shift 3
	boxes=$((boxes + 1))
	{ printf '%s\n\nbody %s\n' "$text" "$name"; } |
	    sm -i -f "$sender" -- "$@"
	ok "$name: Postfix delivers it" wait_for 30 in_box "$boxes"
	ok "$name: nothing is left" wait_for 10 queue_has 0
	got=$(grep -rl "^body $name" "$dir/vmail/box/new")
	ok "$name: unchanged" grep -q "^$text" "$got"
}

make_spool
begin_postfix yes
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
arrives plain 'Subject: x' ann@x.test bob@y.test
arrives header 'Subject: grüße' ann@x.test bob@y.test
arrives domain 'Subject: x' ann@exämple.test bob@bücher.test
is "$(sed -n 's/^\(X-Original-To\|Delivered-To\): //p' "$got" | sort -u)" \
    "bob@bücher.test" "domain: as it was written"
arrives local 'Subject: x' jörg@x.test käse@y.test
like "$(<"$got")" 'Return-Path: <jörg@x.test>' "local: the sender, too"
is "$(events failed)" 0 "nothing failed"
ok "it is not known as ASCII only" [ ! -e "$spool/.no-smtputf8" ]

ok "Postfix stops" eval 'postfix -c "$pf" stop >"$dir/stop.log" 2>&1'
begin_postfix no
arrives header2 'Subject: grüße' ann@x.test bob@y.test
arrives domain2 'Subject: x' ann@exämple.test bob@bücher.test
is "$(sed -n 's/^\(X-Original-To\|Delivered-To\): //p' "$got" | sort -u)" \
    "bob@xn--bcher-kva.test" "domain2: in ASCII"
like "$(<"$got")" 'Return-Path: <ann@xn--exmple-cua.test>' \
    "domain2: the sender, too"
ok "it is known as ASCII only" wait_for 10 [ -e "$spool/.no-smtputf8" ]
fails 65 "local2: refused" send_simple ann@x.test käse@y.test
is "$(events failed)" 0 "and nothing failed"

ok "spoold stops" stop_spoold
ok "Postfix stops again" eval 'postfix -c "$pf" stop >"$dir/stop.log" 2>&1'
done_testing
