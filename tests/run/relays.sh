# shellcheck shell=bash disable=SC2154,SC2034 # variables shared with lib.sh, tests
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Real relays for tests, after lib.sh: Postfix, Exim and OpenSMTPD, each on a
# port of 127.0.0.1 of its own.  They put mail for everybody into a Maildir.
# The first two take it from those who log in as ann with the password "secret"
# (PLAIN) inside of STARTTLS, with a certificate of the CA $dir/ca.pem.
# OpenSMTPD takes it from all, in clear: Debian 12's version 6.8 cannot do TLS
# as a server with OpenSSL 3 ("missing private key"), nor AUTH without TLS.
#
#	need_relays NAME...	skip_all unless they can run here; once, first
#	start_relay NAME	postfix, exim or opensmtpd; and ${port[NAME]}
#	kill_relay NAME		with all its processes, by SIGKILL
#	relay_ids NAME		the Message-IDs it has delivered, sorted
#	relay_has N NAME	whether there are at least so many, any twice
#	relay_box NAME		its Maildir's new/
#	relay_config NAME	lines for a relay in spoold.conf
#
# A relay that is started again has its port, queue and mail as before.  Each
# is in a process-id namespace: whoever kills its first process, the watchdog
# too, has killed all of it.

declare -A port=() relay_pid=()
postfix_program=
exim_program=
opensmtpd_program=

_need_postfix() {
	need postfix postfix
	need saslpasswd2 sasl2-bin
	id postfix >/dev/null 2>&1 || skip_all "there is no user postfix"
}

_need_exim() {
	exim_program=$(bash "$srcdir/tests/run/get-exim" 2>"$dir/get.log") ||
	    skip_all "$(tail -n 1 "$dir/get.log")"
}

_need_opensmtpd() {
	opensmtpd_program=$(bash "$srcdir/tests/run/get-opensmtpd" \
	    2>"$dir/get.log") || skip_all "$(tail -n 1 "$dir/get.log")"
}

need_relays() {
	local name
	[ "$(id -u)" -eq 0 ] || skip_all "real relays need root"
	unshare --mount --pid --fork --kill-child true 2>"$dir/unshare.log" ||
	    skip_all "needs namespaces: $(tail -n 1 "$dir/unshare.log")"
	need openssl openssl
	for name in "$@"; do
		"_need_$name"
	done
	# Each of them runs as users of its own on the way to its Maildir.
	chmod 755 "$dir"
	[ -e "$dir/ca.pem" ] || make_ca
	# What they insist on, which only an installation makes: for their eyes.
	{
		grep -Ev '^(Debian-exim|opensmtpd|opensmtpq|box):' /etc/passwd
		echo 'Debian-exim:x:64001:64001::/:/bin/false'
		echo 'opensmtpd:x:64002:64002::/var/lib/opensmtpd/empty:/bin/false'
		echo 'opensmtpq:x:64003:64003::/var/lib/opensmtpd/empty:/bin/false'
		echo "box:x:64004:64004::/:/bin/sh"
	} >"$dir/passwd"
	{
		grep -Ev '^(Debian-exim|opensmtpd|opensmtpq|box):' /etc/group
		printf '%s:x:%d:\n' Debian-exim 64001 opensmtpd 64002 \
		    opensmtpq 64003 box 64004
	} >"$dir/group"
	chmod 644 "$dir/passwd" "$dir/group"
}

# _in_namespace NAME COMMAND...: with those users, and with what is below
# $dir/NAME/mounts over what the machine has at that path.  The shell stays as
# the first process: whoever becomes another user is not told any more that the
# parent has died.
_in_namespace() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell's
	exec unshare --mount --pid --fork --kill-child sh -c '
	    mount --bind "$0/../passwd" /etc/passwd &&
	    mount --bind "$0/../group" /etc/group || exit 1
	    for at in "$0"/mounts/*; do
		[ -e "$at" ] || continue
		mount --bind "$at" "$(basename "$at" | tr % /)" || exit 1
	    done
	    "$@" &
	    wait' "$dir/$name" "$@"
}

# A port that was free a moment ago, in $free_port.
find_port() {
	smtpd_name=free start_smtpd
	free_port=$smtpd_port
	stop_smtpd
}

_answers() {
	is_gone "$2" || (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

start_relay() {
	local name=$1
	if [ -z "${port[$name]:-}" ]; then
		find_port
		port[$name]=$free_port
		mkdir -m 755 "$dir/$name" "$dir/$name/mounts"
		mkdir "$dir/$name/mail"
		make_cert "$name-cert" 2
		chmod 644 "$dir/$name-cert.pem"
		(umask 022; "_prepare_$name" "$dir/$name" "${port[$name]}") ||
		    bail "cannot prepare $name"
	fi
	(umask 022; "_run_$name" "$dir/$name") >>"$dir/$name-out.log" 2>&1 \
	    </dev/null &
	relay_pid[$name]=$!
	wait_for 20 _answers "${port[$name]}" "${relay_pid[$name]}" &&
	    ! is_gone "${relay_pid[$name]}" ||
	    bail "$name does not start: $(tail -n 1 "$dir/$name-out.log")"
}

kill_relay() {
	kill -KILL "${relay_pid[$1]}"
	wait "${relay_pid[$1]}" 2>/dev/null
	# Its children end right after it, and the port with them.
	wait_for 10 _is_silent "${port[$1]}"
}

_is_silent() {
	! (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

relay_box() {
	echo "$dir/$1/mail/new"
}

relay_ids() {
	find "$dir/$1/mail" -path '*/new/*' -type f -exec cat {} + 2>/dev/null |
	    sed -n 's/^Message-I[Dd]: *\(<[^>]*>\).*/\1/p' | sort
}

relay_has() {
	[ "$(find "$dir/$2/mail" -path '*/new/*' -type f 2>/dev/null |
	    wc -l)" -ge "$1" ]
}

# Where there is a login, its password is in $dir/password.
relay_config() {
	if [ "$1" = opensmtpd ]; then
		echo 'tls = none'
		return
	fi
	if ! [ -e "$dir/password" ]; then
		echo secret >"$dir/password"
		chmod 600 "$dir/password"
	fi
	cat <<EOC
tls = starttls
ca_file = "$dir/ca.pem"
user = "ann"
password_file = "$dir/password"
EOC
}

# ---- Postfix -----------------------------------------------------------

_prepare_postfix() {
	local at=$1
	mkdir "$at/queue" "$at/data" "$at/sasl"
	chown postfix "$at/data"
	chown 64004:64004 "$at/mail"
	cat >"$at/main.cf" <<EOC
compatibility_level = 3.6
queue_directory = $at/queue
data_directory = $at/data
myhostname = postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
maillog_file = $dir/postfix.log
maillog_file_prefixes = $dir
alias_maps =
alias_database =
local_transport = error:none
virtual_mailbox_domains = static:all
virtual_mailbox_base = $at
virtual_mailbox_maps = static:mail/
virtual_minimum_uid = 1
virtual_uid_maps = static:64004
virtual_gid_maps = static:64004
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_reject_unlisted_recipient = no
smtpd_client_connection_count_limit = 0
smtpd_tls_cert_file = $dir/postfix-cert.pem
smtpd_tls_key_file = $dir/postfix-cert.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = postfix.test
cyrus_sasl_config_path = $at/sasl
EOC
	cat >"$at/master.cf" <<EOC
127.0.0.1:$2 inet n - n - 100 smtpd
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
	cat >"$at/sasl/smtpd.conf" <<EOC
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $at/sasl/users
mech_list: PLAIN LOGIN
EOC
	echo secret | saslpasswd2 -p -c -f "$at/sasl/users" -u postfix.test \
	    ann >"$dir/saslpasswd.log" 2>&1 || return 1
	chown postfix "$at/sasl/users"
}

_run_postfix() {
	# Killed, it leaves the sockets of its parts; the locks went with it.
	_in_namespace postfix postfix -c "$1" start-fg
}

# ---- Exim --------------------------------------------------------------

_prepare_exim() {
	local at=$1
	mkdir "$at/spool" "$at/log"
	cp "$dir/exim-cert.key" "$at/key"
	chown 64001:64001 "$at/spool" "$at/log" "$at/key" "$at/mail"
	cat >"$at/exim.conf" <<EOC
primary_hostname = exim.test
exim_path = $exim_program
spool_directory = $at/spool
log_file_path = $at/log/%s
pid_file_path = $at/spool/daemon.pid
deliver_drop_privilege = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = $2
queue_only = false
smtp_accept_max = 200
smtp_accept_queue = 0
smtp_accept_max_per_connection = 100000
smtp_accept_queue_per_connection = 0
tls_advertise_hosts = *
tls_certificate = $dir/exim-cert.pem
tls_privatekey = $at/key
auth_advertise_hosts = \${if def:tls_in_cipher{*}}
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
accept_8bitmime = true
keep_environment =
begin acl
check_rcpt:
  deny !authenticated = *
       message = log in first
  accept
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  directory = $at/mail
  maildir_format
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
EOC
}

# (It looks through its queue soon, for what it had when it was killed.)
_run_exim() {
	_in_namespace exim "$exim_program" -C "$1/exim.conf" -bdf -q5s
}

# ---- OpenSMTPD ---------------------------------------------------------

_prepare_opensmtpd() {
	local at=$1 mounts=$1/mounts
	# Its paths are compiled in.
	mkdir -p "$mounts/%run" "$mounts/%var%spool/smtpd" \
	    "$mounts/%var%lib/opensmtpd/empty"
	chmod 711 "$mounts/%var%spool/smtpd"
	[ -d /usr/libexec ] &&
	    cp -r "${opensmtpd_program%/sbin/*}/libexec" "$mounts/%usr%libexec"
	chown 64004:64004 "$at/mail"
	cat >"$at/smtpd.conf" <<EOC
table boxes { "@" = "box" }
smtp max-message-size 20M
listen on 127.0.0.1 port $2 hostname opensmtpd.test
action "keep" maildir "$at/mail" virtual <boxes>
match from any for any action "keep"
EOC
}

_run_opensmtpd() {
	_in_namespace opensmtpd "$opensmtpd_program" -d -f "$1/smtpd.conf"
}
