#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Programs of the system that have /usr/sbin/sendmail built in, unmodified, on
# a copy of this machine (machine.sh) where that is ours, spoold runs as its
# user, and a scripted server is the relay: who is the sender, where root's
# mail goes, and what those who watch the queue are told.

# shellcheck source-path=SCRIPTDIR
: "${srcdir:?}" "${builddir:?}"
self=$srcdir/tests/run/${0##*/}
. "$srcdir/tests/run/machine.sh"

case ${1-} in
namespace) make_copy "$self" ;;
machine) ;;
*) enter_copy "$self" ;;
esac

. "$srcdir/tests/run/lib.sh"

# ---- the machine ----------------------------------------------------------

cd / || exit 99
umask 022
learn_paths || bail 'cannot read the makefile'

# Sanitized programs cannot run set-gid: their search for leaks may not look
# into such a process.  There, what is set-gid takes on the group for good and
# then runs our sendmail, whose findings go where no caller can lose them.
findings=/var/tmp/findings
launch_sanitized() {
	mkdir -m 1777 "$findings"
	mv "$sbindir/sendmail" "$sbindir/sendmail.sanitized"
	cat >"$dir/launch.c" <<EOC
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	(void)argc;
	if (setresgid(getegid(), getegid(), getegid()) != 0)
		return 71;
	setenv("ASAN_OPTIONS", "log_path=$findings/asan", 1);
	setenv("UBSAN_OPTIONS", "log_path=$findings/ubsan", 1);
	execv("$sbindir/sendmail.sanitized", argv);
	return 71;
}
EOC
	cc -o "$sbindir/sendmail" "$dir/launch.c" &&
	    chgrp "$group" "$sbindir/sendmail" &&
	    chmod 2755 "$sbindir/sendmail"
}

set_up_machine() {
	# What this machine may have of an earlier installation, and jobs of
	# its own.
	rm -rf "$spool" "$confdir" /etc/cron.d/* /etc/crontab \
	    /var/spool/cron/crontabs/* /var/spool/cron/atjobs/[a-z]* \
	    /run/crond.* /run/atd.pid
	useradd -m -c 'Alice Example,Room 1' alice && useradd -m bob &&
	    useradd -r nobodys-monitor || return 1
	make_in_build install && have_other_mailer &&
	    make_in_build install-mta FORCE=1 || return 1
	! is_sanitized || launch_sanitized || return 1
	printf '%s\n' '# who reads it' 'postmaster: root' \
	    'root: admin@dest.test' >/etc/aliases
	start_smtpd
	printf '%s\n' "relay = \"127.0.0.1:$smtpd_port\"" 'tls = "none"' \
	    'origin = "machine.test"' >>"$confdir/spoold.conf"
}

SPOOLD=$sbindir/spoold
unset SPOOLD_EXEC_PATH

start_system_spoold() {
	setpriv --reuid="$user" --regid="$group" --init-groups --reset-env \
	    --no-new-privs --bounding-set=-all \
	    "$SPOOLD" -C "$confdir/spoold.conf" \
	    >>"$spoold_log" 2>&1 </dev/null &
	spoold_pid=$!
	wait_for 20 _serves_or_gone && ! is_gone "$spoold_pid"
}

# ---- what arrived -----------------------------------------------------------

# find_mail WORD: sets $mail to the path, without its extension, of the one
# with this word in it.
find_mail() {
	mail=$(grep -lF -- "$1" "$smtpd_out"/*.eml 2>/dev/null) &&
	    [ -n "$mail" ] && mail=${mail%.eml}
}

# comes CALLER WORD SENDER RECIPIENTS FIELD...: the mail with that word in it
# comes once, of this sender, at these recipients (sorted), and has fields that
# match.
comes() {
	local caller=$1 word=$2 sender=$3 recipients=$4 head
	shift 4
	ok "$caller: its mail comes" wait_for 20 find_mail "$word" || return
	is "$(sed -n 's/^mail <\([^>]*\)>.*/\1/p' "$mail.env")" "$sender" \
	    "$caller: the sender"
	is "$(sed -n 's/^rcpt <\([^>]*\)>.*/\1/p' "$mail.env" | sort |
	    xargs)" "$recipients" "$caller: the recipients"
	head=$(sed 's/\r$//; /^$/q' "$mail.eml")
	for field; do
		like "$head" $'(^|\n)'"$field"$'(\n|$)' "$caller: $field"
	done
}

# have PROGRAM CALLER PACKAGE: or the caller is skipped
have() {
	[ -x "$1" ] && return
	skip "$2" "it is not installed (Debian package $3)"
	return 1
}

set_up_machine >"$dir/install.log" 2>&1 || {
	dump_logs
	bail 'the machine could not be set up'
}
is "$(readlink -f /usr/sbin/sendmail)" "$sbindir/sendmail" \
    "the machine has our sendmail"
ok "spoold runs" start_system_spoold || {
	dump_logs
	bail 'no spoold'
}

# ---- cron, at ---------------------------------------------------------------

# A job that runs when cron starts takes the way of any other: nobody has to
# wait for the minute.
if have /usr/sbin/cron cron cron; then
	printf '%s\n' '@reboot echo cron-of-alice; printf ".\nafter the dot\n"' |
	    as alice crontab - 
	printf '%s\n' 'MAILTO=ops@dest.test,second@dest.test' \
	    '@reboot echo cron-of-bob' | as bob crontab -
	echo '@reboot echo cron-of-root' | crontab -
	/usr/sbin/cron -f >"$dir/cron.log" 2>&1 </dev/null &
	comes "cron, a user's job" cron-of-alice alice@machine.test \
	    alice@machine.test 'From: root@machine\.test \(Cron Daemon\)' \
	    'To: alice@machine\.test' 'Subject: Cron <alice@.*> echo cron-of.*'
	is "$(sed '1,/^\r$/d; s/\r$//' "$mail.eml")" \
	    $'cron-of-alice\n.\nafter the dot' \
	    "cron, a user's job: all of its output"
	comes "cron, MAILTO" cron-of-bob bob@machine.test \
	    'ops@dest.test second@dest.test' \
	    'To: ops@dest\.test, *second@dest\.test'
	comes "cron, root's job" cron-of-root root@machine.test \
	    admin@dest.test 'From: root@machine\.test \(Cron Daemon\)' \
	    'Date: .*' 'Message-Id: .*'
fi

if have /usr/sbin/anacron anacron anacron; then
	printf '%s\n' 'SHELL=/bin/sh' 'MAILTO=root' \
	    '1 0 job echo output-of-anacron' >/etc/anacrontab
	timeout 20 anacron -d -f -n -s >"$dir/anacron.log" 2>&1
	comes "anacron" output-of-anacron root@machine.test admin@dest.test \
	    'From: Anacron <root@machine\.test>' 'To: root@machine\.test' \
	    "Subject: Anacron job 'job' on .*"
fi

if have /usr/sbin/atd at at; then
	# The job first: a signal would end an atd that does not expect it yet.
	echo 'echo output-of-at' | as alice at now 2>"$dir/at.log"
	/usr/sbin/atd -f >"$dir/atd.log" 2>&1 </dev/null &
	comes "at" output-of-at alice@machine.test alice@machine.test \
	    'Subject: Output from your job .*' 'To: alice@machine\.test' \
	    'From: .*alice@machine\.test>?'
fi

# ---- sudo, mdadm, logwatch, smartd ------------------------------------------

if have /usr/bin/sudo sudo sudo; then
	echo 'Defaults !authenticate' >/etc/sudoers.d/test
	chmod 440 /etc/sudoers.d/test
	as bob sudo /bin/true sudo-by-bob 2>"$dir/sudo.log"
	like "$(<"$dir/sudo.log")" 'not in the sudoers file' \
	    "sudo refuses, and says nothing of sendmail"
	# It calls sendmail with the rights of who called it.
	comes "sudo" sudo-by-bob bob@machine.test admin@dest.test \
	    'From: bob@machine\.test' 'To: root@machine\.test' \
	    'Subject: \*\*\* SECURITY information for .*'
fi

if have /sbin/mdadm mdadm mdadm; then
	timeout 20 mdadm --monitor --test --oneshot --mail root \
	    /dev/md/none-such >"$dir/mdadm.log" 2>&1
	comes "mdadm" none-such root@machine.test admin@dest.test \
	    'From: .*root@machine\.test>?' 'To: root@machine\.test' \
	    'Subject: TestMessage event on /dev/md/none-such:.*'
fi

if have /usr/sbin/logwatch logwatch logwatch; then
	echo "$(date '+%b %e %T') machine sshd[7]: Accepted publickey for" \
	    "logwatched from 192.0.2.7 port 777 ssh2: RSA SHA256:x" \
	    >/var/log/auth.log
	logwatch --output mail --mailto root --service sshd --range all >"$dir/logwatch.log" 2>&1
	is "$?$(<"$dir/logwatch.log")" 0 "logwatch: success, in silence"
	comes "logwatch" logwatched root@machine.test admin@dest.test \
	    'To: root@machine\.test' 'Subject: Logwatch for .*'
fi

if have /usr/share/smartmontools/smartd-runner smartd smartmontools; then
	printf 'from-smartd\n' | /usr/share/smartmontools/smartd-runner \
	    -s 'SMART error (selftest) detected' root >"$dir/smart.log" 2>&1
	is "$?$(<"$dir/smart.log")" 0 "smartd: success, in silence"
	comes "smartd" from-smartd root@machine.test admin@dest.test \
	    'Subject: SMART error \(selftest\) detected'
fi

if have /usr/bin/bsd-mailx mail bsd-mailx; then
	echo from-mail | as alice mail -s 'a subject' postmaster bob@y.test
	comes "mail" from-mail alice@machine.test \
	    'admin@dest.test bob@y.test' 'Subject: a subject' \
	    'From: Alice Example <alice@machine\.test>'
fi

# ---- those who would send by themselves -------------------------------------

if have /usr/bin/php PHP php-cli; then
	as alice php -n -r 'exit(mail("to@y.test", "s", "from-php\n") ? 0 : 1);'
	comes "PHP as it comes" from-php alice@machine.test to@y.test \
	    'From: Alice Example <alice@machine\.test>'
fi

# Its own way is SMTP with "sendmail -bs -odb -oem".  It wants a terminal, and
# somebody who answers.
cat >/usr/local/bin/use-alpine <<'EOP'
#!/usr/bin/python3
import os, pty, re, select, sys, time

answers = [(b"Message Text", b"\x18"), (b"Send message", b"y")]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "vt100"
    os.execvp("alpine", ["alpine", "-p", sys.argv[1], "-url", sys.argv[2]])
end, seen = time.time() + 40, b""
while time.time() < end:
    if not select.select([terminal], [], [], 0.5)[0]:
        continue
    try:
        seen += os.read(terminal, 4096)
    except OSError:
        break
    said = re.sub(rb"\x1b\[[0-9;]*[A-Za-z]|\0", b"", seen)
    if answers and answers[0][0] in said:
        os.write(terminal, answers.pop(0)[1])
        seen = b""
else:
    sys.exit(repr(said))
EOP
chmod 755 /usr/local/bin/use-alpine
if have /usr/bin/alpine alpine alpine && have /usr/bin/python3 alpine python3
then
	printf '%s\n' 'user-domain=machine.test' 'default-fcc=""' \
	    'last-version-used=6.26' >/home/alice/pinerc
	chown alice /home/alice/pinerc
	as alice env HOME=/home/alice use-alpine /home/alice/pinerc \
	    'mailto:to@y.test?subject=by%20alpine&body=from-alpine%0A.%0A..x' \
	    2>"$dir/alpine.log"
	is "$?" 0 "alpine: it sends and ends"
	comes "alpine" from-alpine alice@machine.test to@y.test \
	    'Subject: by alpine' 'To: to@y\.test'
	is "$(sed '1,/^\r$/d; s/\r$//' "$mail.eml")" \
	    $'from-alpine\n.\n..x' "alpine: the text is whole"
fi

# ---- those who watch the queue ----------------------------------------------

checkmailq=/usr/lib/nagios/plugins/check_mailq
queue_is_empty() {
	[ "$(mailq 2>>"$dir/check.log")" = "Mail queue is empty" ]
}

# check STATUS TEXT OPTION...: what check_mailq says, and how it exits
check() {
	local want=$1 text=$2 got status
	shift 2
	got=$("${checker[@]}" "$checkmailq" -M postfix "$@" \
	    2>>"$dir/check.log")
	status=$?
	like "$status $got" "^$want $text" \
	    "check_mailq${checker[*]:+ as ${checker[1]}} $*: $text"
}

# queue_three: messages that have to wait: their relay has gone
queue_three() {
	local n
	stop_smtpd || return 1
	for n in 1 2 3; do
		printf 'Subject: %d\n\nwaits\n' "$n" |
		    as alice /usr/sbin/sendmail "$n@y.test" || return 1
	done
	wait_for 20 has_events 1 relay-down
}

if have $checkmailq check_mailq monitoring-plugins-standard; then
	ok "the queue is empty" wait_for 20 queue_is_empty
	checker=()
	check 0 'OK: postfix mailq reports queue is empty' -w 1 -c 2
	ok "three messages wait" queue_three
	check 0 'OK: postfix mailq \(3\) is below threshold' -w 4 -c 5
	check 1 'WARNING: postfix mailq is 3 ' -w 3 -c 4
	check 2 'CRITICAL: postfix mailq is 3 ' -w 2 -c 3
	echo 'nobodys-monitor ALL = (root) NOPASSWD: /usr/bin/mailq' \
	    >>/etc/sudoers.d/test
	checker=(as nobodys-monitor)
	if [ -x /usr/bin/sudo ]; then
		check 1 'WARNING: postfix mailq is 3 ' -s -w 3 -c 4
	fi
	# Who may not look must not be told that all is well.
	is_sanitized || check 2 'CRITICAL' -w 3 -c 4
	mailq >"$dir/mailq" 2>>"$dir/check.log"
	is "$(tail -n 1 "$dir/mailq" | cut -d ' ' -f 5) $(grep -c \
	    '^[A-F0-9]' "$dir/mailq")" "3 3" "what scripts cut out of mailq"
fi

ok "spoold stops" stop_spoold
is "$(cat "$findings"/* 2>/dev/null)" "" "the sanitizers found nothing"
done_testing
