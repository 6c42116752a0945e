#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Programs that call sendmail, unmodified: what they send arrives, Bcc does
# not show, and lines end in CRLF.

. "${srcdir:?}/tests/run/lib.sh"

# They are given a path, as they would find /usr/sbin/sendmail.
cat >"$dir/sendmail" <<EOS
#!/bin/sh
exec "$SENDMAIL" -C /dev/null --spool "$spool" "\$@" 2>>"$dir/sendmail.err"
EOS
chmod 755 "$dir/sendmail"
HOME=$dir
export HOME
unset EMAIL MAILRC REPLYTO

make_spool
start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
expected=0

# arrived CALLER SUBJECT RCPT...: the next message did, as it should
arrived() {
	local caller=$1 subject=$2 eml
	shift 2
	expected=$((expected + 1))
	ok "$caller: it arrives" wait_for 15 has_messages "$expected" || return
	eml=$smtpd_out/$(printf %06d "$expected").eml
	is "$(sed -n 's/^rcpt <\([^>]*\)>.*/\1/p' "${eml%eml}env" | sort |
	    tr '\n' ' ')" "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" \
	    "$caller: at its recipients"
	like "$(cat "$eml")" $'(^|\n)Subject: '"$subject"$'\r' \
	    "$caller: with its subject"
	is "$(grep -Eic '^bcc|hidden@' "$eml")" 0 "$caller: Bcc is not shown"
	is "$(grep -E '^(bare|nul)' "${eml%eml}env" | tr '\n' ' ')" \
	    "bare_lf 0 bare_cr 0 nul 0 " "$caller: lines end in CRLF"
	like "$(cat "$eml")" $'\r\n\r\n.*\r\n.leading dot\r\n' \
	    "$caller: the text is whole"
}

text=$'Hello,\n.leading dot\n.\nafter a lone dot\n'

if command -v php >/dev/null; then
	cat >"$dir/mail.php" <<'EOP'
<?php
$text = "Hello,\n.leading dot\n.\nafter a lone dot\n";
exit(mail("to@y.test", $argv[1], $text,
    "From: Ann <php@x.test>\r\nBcc: hidden@y.test\r\nX-Two: 2", $argv[2] ?? "")
    ? 0 : 1);
EOP
	php() {
		command php -n -d sendmail_path="$dir/sendmail -t -i" "$@"
	}
	ok "PHP mail(): true" php "$dir/mail.php" phptest
	arrived "PHP mail()" phptest to@y.test hidden@y.test
	ok "PHP mail() with -f: true" php "$dir/mail.php" phpf -fbounce@x.test
	arrived "PHP mail() with -f" phpf to@y.test hidden@y.test
	like "$(cat "$smtpd_out/$(printf %06d "$expected").env")" \
	    'mail <bounce@x.test>' "PHP mail() with -f: the sender"
	ok "PHP mail(), CRLF text: true" php -d mail.mixed_lf_and_crlf=On \
	    "$dir/mail.php" phplf
	arrived "PHP mail(), LF" phplf to@y.test hidden@y.test
	unset -f php
else
	skip "PHP mail()" "php is not installed (Debian package php-cli)"
fi

if command -v python3 >/dev/null; then
	cat >"$dir/mail.py" <<'EOP'
import subprocess, sys
from email.message import EmailMessage

m = EmailMessage()
m["From"] = "Py <py@x.test>"
m["To"] = "to@y.test, Second <to2@y.test>"
m["Bcc"] = "hidden@y.test"
m["Subject"] = "pytest"
m.set_content("Hello,\n.leading dot\n.\nafter a lone dot\n")
sys.exit(subprocess.run([sys.argv[1], "-t", "-oi"],
                        input=m.as_bytes()).returncode)
EOP
	ok "Python: exit status 0" python3 "$dir/mail.py" "$dir/sendmail"
	arrived "Python" pytest to@y.test to2@y.test hidden@y.test
else
	skip "Python" "python3 is not installed"
fi

if [ -x "$(git --exec-path 2>/dev/null)/git-send-email" ]; then
	GIT_CONFIG_GLOBAL=/dev/null
	GIT_CONFIG_NOSYSTEM=1
	export GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM
	git init -q "$dir/repo"
	for key in author committer; do
		export "GIT_${key^^}_NAME=Ann" "GIT_${key^^}_EMAIL=git@x.test"
	done
	printf 'x\n' >"$dir/repo/file"
	git -C "$dir/repo" add file
	git -C "$dir/repo" commit -q -m "gittest" -m "$text"
	git -C "$dir/repo" format-patch -q -o "$dir/patches" --root HEAD
	ok "git send-email: exit status 0" git -C "$dir/repo" send-email \
	    --quiet --confirm=never --suppress-cc=all --from=git@x.test \
	    --to=to@y.test --bcc=hidden@y.test --envelope-sender=git@x.test \
	    --smtp-server="$dir/sendmail" "$dir"/patches/*.patch
	arrived "git send-email" '\[PATCH\] gittest' to@y.test hidden@y.test
else
	skip "git send-email" "it is not installed (Debian package git-email)"
fi

if command -v mutt >/dev/null; then
	printf '%s' "$text" | mutt -n -F /dev/null \
	    -e "set sendmail='$dir/sendmail -oem -oi'" -e 'set copy=no' \
	    -e 'set from=mutt@x.test' -e 'set use_envelope_from=yes' \
	    -e 'set sendmail_wait=0' -e 'set write_bcc=yes' \
	    -s mutttest -b hidden@y.test -- to@y.test >"$dir/mutt.log" 2>&1
	is "$?" 0 "mutt: exit status 0"
	arrived "mutt" mutttest to@y.test hidden@y.test
	like "$(cat "$smtpd_out/$(printf %06d "$expected").env")" \
	    'mail <mutt@x.test>' "mutt: the sender"
else
	skip "mutt" "it is not installed"
fi

if command -v s-nail >/dev/null; then
	printf '%s' "$text" | s-nail -:/ -S "mta=$dir/sendmail" \
	    -S sendwait -S from=nail@x.test -S 'mta-bcc-ok' -r nail@x.test \
	    -s nailtest -b hidden@y.test to@y.test >"$dir/nail.log" 2>&1
	is "$?" 0 "s-nail: exit status 0"
	arrived "s-nail" nailtest to@y.test hidden@y.test
else
	skip "s-nail" "it is not installed"
fi

is "$(cat "$dir/sendmail.err" 2>/dev/null)" "" "sendmail was silent"
ok "the queue is empty" wait_for 10 queue_has 0
is "$(count_messages)" "$expected" "nothing came twice"
ok "spoold stops" stop_spoold
done_testing
