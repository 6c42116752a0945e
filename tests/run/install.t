#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# "make install" as root, on a copy of this machine (machine.sh).

set -u
: "${srcdir:?}" "${builddir:?}"
self=$srcdir/tests/run/${0##*/}
. "$srcdir/tests/run/machine.sh"

# ---- on the copy ----------------------------------------------------------

number=0
failures=0

# result NAME STATUS: say the case's result.
result()
{
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		printf 'ok %d - %s\n' "$number" "$1"
	else
		printf 'not ok %d - %s\n' "$number" "$1"
		failures=$((failures + 1))
		[ ! -s "$out" ] || sed 's/^/# /' "$out" | tail -n 30
	fi
}

# it NAME COMMAND...: passes if the command does.
it()
{
	local name=$1

	shift
	"$@" >"$out" 2>&1
	result "$name" $?
}

skip()
{
	number=$((number + 1))
	printf 'ok %d - %s # SKIP %s\n' "$number" "$1" "$2"
}

# await SECONDS COMMAND...: until the command succeeds.
await()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# Succeeds if the command fails in order: not by a signal, and saying so.
refused()
{
	local status

	"$@"
	status=$?
	[ "$status" -gt 0 ] && [ "$status" -lt 126 ]
}

has_mode()
{
	local have

	have=$(stat -c '%a %U:%G' "$1")
	printf '%s: %s, expected %s\n' "$1" "$have" "$2"
	[ "$have" = "$2" ]
}

spool_has_modes()
{
	has_mode "$spool" "711 $user:$group" &&
		has_mode "$spool/tmp" "1770 $user:$group" &&
		has_mode "$spool/queue" "1770 $user:$group" &&
		has_mode "$spool/hold" "750 $user:$group" &&
		has_mode "$spool/failed" "750 $user:$group"
}

# Each for those that have to get there, whatever the umask of who installs;
# "find" says which is not.
has_open_modes()
{
	local mask wrong

	for mask in 077 000; do
		(umask "$mask" && make_in_build SYSTEM_INSTALL=no \
			DESTDIR="/tmp/dest$mask" install) >/dev/null || return 1
		wrong=$(find "/tmp/dest$mask" -path "*$spool/*" -o \
			-path "*$spool" -o -type d -perm 0755 -o \
			-type f -perm 0644 -o -type f -perm 0755 -o -print)
		printf '%s\n' "$wrong"
		[ -z "$wrong" ] && [ -e "/tmp/dest$mask$confdir" ] &&
			[ "$(stat -c %a "/tmp/dest$mask$spool/queue")" = 700 ] ||
			return 1
	done
}

install_with_umask()
{
	(umask 077 && make_in_build install)
}

configuration_is_readable()
{
	has_mode "$confdir" '755 root:root' &&
		has_mode "$confdir/spoold.conf" '644 root:root' &&
		as alice cat "$confdir/spoold.conf" >/dev/null
}

keeps_config()
{
	echo '# edited' >>"$confdir/spoold.conf"
	make_in_build install >/dev/null || return 1
	tail -n 1 "$confdir/spoold.conf" | grep -x '# edited'
}

names_are_ours()
{
	local name

	for name in sbin/sendmail lib/sendmail bin/mailq bin/newaliases; do
		readlink -f "/usr/$name"
		[ "$(readlink -f "/usr/$name")" = \
			"$(readlink -f "$sbindir/sendmail")" ] || return 1
	done
}

php_mail()
{
	# shellcheck disable=SC2016 # PHP's variables
	as alice php -r 'exit(mail("bob@example.net", "from PHP", "secret-php",
		"From: alice@example.org\r\nBcc: eve@example.net") ? 0 : 1);'
}

# The options come before the message of the caller: "send USER OPTION...".
send_as()
{
	printf 'Subject: by hand\n\nsecret-%s\n' "$1" |
		as "$1" /usr/sbin/sendmail "${@:2}" bob@example.net
}

queue_count()
{
	find "$spool/queue" -type f | wc -l
}

queue_has()
{
	queue_count
	[ "$(queue_count)" -eq "$1" ]
}

# Each way that alice has to the queue, those by full path included.
cannot_look()
{
	local file

	refused as alice ls "$spool" || return 1
	refused as alice ls "$spool/queue" || return 1
	refused as alice find "$spool/queue" -type f -print -quit || return 1
	for file in "$spool"/queue/*; do
		refused as alice cat "$file" || return 1
		refused as alice stat "$file" || return 1
		refused as alice rm -f "$file" || return 1
		refused as alice sh -c "echo x >>'$file'" || return 1
		refused as alice ln "$file" /tmp/alice || return 1
	done
	refused as alice touch "$spool/queue/0123456789" || return 1
	refused as alice touch "$spool/mine"
}

# The queue's own tools must not say it either.
tools_tell_nothing()
{
	local command

	for command in "$bindir/spoolq list" "$bindir/spoolq list --json" \
		/usr/bin/mailq "/usr/sbin/sendmail -bp"; do
		# shellcheck disable=SC2086 # a command and its arguments
		as alice $command
	done >/tmp/told 2>&1
	cat /tmp/told
	! grep -qE 'example\.(net|org)|secret' /tmp/told
}

# With the group of the spool, sendmail must not write where a user says …
keeps_to_its_spool()
{
	as alice mkdir -m 0700 /tmp/alice /tmp/alice/tmp /tmp/alice/queue \
		/tmp/alice/hold /tmp/alice/failed || return 1
	send_as alice --spool /tmp/alice
	send_as alice --spool=/tmp/alice
	echo 'spool = "/tmp/alice"' >/tmp/alice.conf
	send_as alice -C /tmp/alice.conf
	find /tmp/alice -type f
	[ -z "$(find /tmp/alice -type f)" ]
}

# … nor read what it may and the user may not.
shows_no_file()
{
	echo 'secret-password' >"$confdir/password"
	chown "root:$group" "$confdir/password"
	chmod 0640 "$confdir/password"
	refused as alice cat "$confdir/password" || return 1
	send_as alice -C "$confdir/password" >/tmp/told 2>&1
	cat /tmp/told
	! grep -q secret-password /tmp/told
}

environment_is_powerless()
{
	printf 'Subject: environment\n\nx\n' | as alice env \
		SPOOLD_CONF=/tmp/alice.conf SPOOL=/tmp/alice HOME=/tmp/alice \
		TMPDIR=/tmp/alice LD_LIBRARY_PATH=/tmp/alice \
		/usr/sbin/sendmail bob@example.net || return 1
	[ -z "$(find /tmp/alice -type f)" ]
}

# The file says who submitted it, whatever the message claims.
knows_the_submitter()
{
	local file

	file=$(grep -lF secret-php "$spool"/queue/*) &&
		has_mode "$file" "640 alice:$group" &&
		grep -ax "uid $(id -u alice)" "$file"
}

# The unit is understood, and takes away what spoold does not need.
unit_is_tight()
{
	local unit=$builddir/contrib/systemd/spoold.service

	systemd-analyze verify "$unit" 2>&1 | grep -F "$unit" && return 1
	systemd-analyze security --no-pager --offline=true --threshold=15 \
		"$unit" | tail -n 1
	return "${PIPESTATUS[0]}"
}

start_spoold()
{
	install -d -o "$user" -g "$group" -m 0700 /var/lib/sink
	echo 'relay = "maildir:/var/lib/sink"' >>"$confdir/spoold.conf"
	setpriv --reuid="$user" --regid="$group" --init-groups --reset-env \
		--no-new-privs --bounding-set=-all \
		"$sbindir/spoold" -C "$confdir/spoold.conf" \
		>/tmp/spoold.log 2>&1 </dev/null &
	spoold_pid=$!
}

delivered_has()
{
	grep -rqsF -e "$1" /var/lib/sink/new
}

arrives()
{
	await 20 delivered_has "$1" && return
	cat /tmp/spoold.log
	return 1
}

arrived_without_bcc()
{
	local file

	file=$(grep -rlF secret-php /var/lib/sink/new | head -n 1)
	cat "$file"
	! grep -qi '^bcc' "$file" && grep -q '^Subject: from PHP' "$file" &&
		[ "$(grep -rlF secret-php /var/lib/sink/new | xargs cat |
			grep -c '^Delivered-To:')" -eq 2 ]
}

stops()
{
	kill -TERM "$spoold_pid"
	wait "$spoold_pid"
}

leaves_the_spool()
{
	make_in_build uninstall || return 1
	[ ! -e "$sbindir/spoold" ] && [ ! -e "$bindir/spoolq" ] &&
		[ -d "$spool/queue" ] && [ -e "$confdir/spoold.conf" ] &&
		getent passwd "$user"
}

brings_back()
{
	sha256sum /usr/sbin/sendmail
	[ "$(sha256sum </usr/sbin/sendmail)" = "$other_mailer" ]
}

on_the_machine()
{
	cd / || exit 1
	out=$(mktemp)
	learn_paths || { echo 'Bail out! cannot read the makefile'; exit 1; }
	# What this machine may have of an earlier installation.
	rm -rf "$spool" "$confdir"
	useradd -M alice && useradd -M bob || exit 1

	it 'modes do not depend on the umask' has_open_modes
	it 'make install, with the umask 077' install_with_umask
	it 'the configuration can be read' configuration_is_readable
	it 'the user exists' getent passwd "$user"
	it 'sendmail is set-gid' has_mode "$sbindir/sendmail" "2755 root:$group"
	it 'spoold is not' has_mode "$sbindir/spoold" '755 root:root'
	it 'the spool has its modes' spool_has_modes
	it 'an edited configuration is kept' keeps_config
	if command -v systemd-analyze >/dev/null; then
		it "systemd's exposure level is 1.5 at most" unit_is_tight
	else
		skip "systemd's exposure level is 1.5 at most" 'no systemd'
	fi
	have_other_mailer
	other_mailer=$(sha256sum </usr/sbin/sendmail)
	it 'another mailer is not replaced' refused make_in_build install-mta
	it 'its sendmail is untouched' brings_back
	it 'unless forced' make_in_build install-mta FORCE=1
	it 'the names are ours' names_are_ours

	if command -v php >/dev/null; then
		it "PHP's mail() as a user" php_mail
		it 'its message is in the queue' queue_has 1
		it 'and knows its submitter' knows_the_submitter
	else
		skip "PHP's mail() as a user" 'no PHP'
	fi
	it 'sendmail as another user' send_as bob
	it 'a user cannot look into the queue' cannot_look
	it 'the tools tell a user nothing' tools_tell_nothing
	it 'no other spool is written' keeps_to_its_spool
	it 'no other file is shown' shows_no_file
	it 'the environment has no power' environment_is_powerless

	start_spoold
	it 'what waited arrives' arrives secret-bob
	if command -v php >/dev/null; then
		it "PHP's message arrives" arrives secret-php
		it 'once for each recipient, without Bcc' arrived_without_bcc
	fi
	it 'sendmail while spoold runs' send_as alice
	it 'arrives' arrives secret-alice
	it 'a user cannot look into the queue now' cannot_look
	it 'nor tell spoold what to do' refused as alice "$bindir/spoolq" flush
	it 'spoold stops' stops

	it 'make uninstall leaves the mail' leaves_the_spool
	it 'the other mailer is back' brings_back
	printf '1..%d\n' "$number"
	[ "$failures" -eq 0 ]
}

case ${1-} in
namespace) make_copy "$self" ;;
machine) on_the_machine ;;
*)
	! is_sanitized || skip_copy 'sanitizers do not run set-gid'
	enter_copy "$self" ;;
esac
