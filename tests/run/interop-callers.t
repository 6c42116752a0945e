#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The programs through which people and scripts call sendmail, unmodified:
# what they send arrives, Bcc does not show, and lines end in CRLF.

# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/callers.sh"

start_callers

# sent CALLER COMMAND...: the command succeeds with the text on its standard
# input, and shows nothing besides what git says.
sent() {
	local caller=$1
	shift
	printf '%s' "$text" | "$@" >"$dir/caller.log" 2>&1
	is "$?$(grep -v '^Sent ' "$dir/caller.log")" 0 \
	    "$caller: success, in silence"
}

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
	send_email=(git -C "$dir/repo" send-email --quiet --confirm=never
	    --suppress-cc=all --from='Ann <git@x.test>' --to=to@y.test
	    --bcc=hidden@y.test)
	sent "git send-email" "${send_email[@]}" \
	    --envelope-sender=bounce@x.test \
	    --smtp-server="$dir/sendmail" "$dir"/patches/*.patch
	arrived "git send-email" '[PATCH] gittest' bounce@x.test \
	    to@y.test hidden@y.test
	sent "git send-email, a command" "${send_email[@]}" \
	    --sendmail-cmd="$dir/sendmail -oem -t" "$dir"/patches/*.patch
	arrived "git send-email, a command" '[PATCH] gittest' "$self" \
	    to@y.test hidden@y.test
else
	skip "git send-email" "it is not installed (Debian package git-email)"
fi

if command -v mutt >/dev/null; then
	mutt=(mutt -n -F /dev/null -e 'set copy=no' -e 'set from=mutt@x.test'
	    -e 'set sendmail_wait=0' -e 'set write_bcc=yes' -b hidden@y.test)
	sent "mutt" "${mutt[@]}" -e "set sendmail='$dir/sendmail -oem -oi'" \
	    -e 'set use_envelope_from=yes' -s mutttest -- to@y.test
	arrived "mutt" mutttest mutt@x.test to@y.test hidden@y.test
	sent "mutt, DSN and 8-bit" "${mutt[@]}" \
	    -e "set sendmail='$dir/sendmail -oem -oi'" -e 'set use_8bitmime' \
	    -e 'set dsn_notify=failure,delay' -e 'set dsn_return=hdrs' \
	    -s muttdsn -- to@y.test
	arrived "mutt, DSN and 8-bit" muttdsn "$self" to@y.test hidden@y.test
else
	skip "mutt" "it is not installed"
fi

if command -v s-nail >/dev/null; then
	nail=(s-nail -:/ -S "mta=$dir/sendmail" -S sendwait
	    -S from=nail@x.test -S 'mta-bcc-ok' -s nailtest -b hidden@y.test)
	sent "s-nail" "${nail[@]}" -r nail@x.test to@y.test
	arrived "s-nail" nailtest nail@x.test to@y.test hidden@y.test
	sent "s-nail, arguments" "${nail[@]}" \
	    -S 'mta-arguments=-t -i -f arg@x.test' -S mta-no-default-arguments \
	    -S mta-no-recipient-arguments to@y.test
	arrived "s-nail, arguments" nailtest arg@x.test to@y.test hidden@y.test
else
	skip "s-nail" "it is not installed"
fi

if command -v bsd-mailx >/dev/null; then
	echo "set sendmail=$dir/sendmail" >"$dir/mailrc"
	MAILRC=$dir/mailrc
	export MAILRC
	sent "bsd-mailx" bsd-mailx -n -s mailxtest -b hidden@y.test to@y.test
	arrived "bsd-mailx" mailxtest "$self" to@y.test hidden@y.test
	sent "bsd-mailx -r" bsd-mailx -n -s mailxfrom -r mx@x.test \
	    -a 'X-Loop: 1' -c cc@y.test -b hidden@y.test to@y.test
	arrived "bsd-mailx -r" mailxfrom mx@x.test to@y.test cc@y.test \
	    hidden@y.test
	is "$(header_of From)/$(header_of X-Loop)" "mx@x.test/1" \
	    "bsd-mailx -r: its fields"
else
	skip "bsd-mailx" "it is not installed"
fi

if command -v swaks >/dev/null; then
	# It reads the text from standard input, stuffs dots, and says all.
	printf 'Subject: swakstest\nTo: to@y.test\n\n%s' "$text" |
	    swaks --pipe "$dir/sendmail -bs" --to to@y.test,hidden@y.test \
	    --from swaks@x.test --data - --ehlo client.test \
	    >"$dir/swaks.log" 2>&1
	is "$?" 0 "swaks: exit status 0"
	arrived "swaks" swakstest swaks@x.test to@y.test hidden@y.test
	printf 'Subject: swakspipe\nTo: to@y.test\n\n%s' "$text" |
	    swaks --pipe "$dir/sendmail -bs" --to to@y.test,hidden@y.test \
	    --from swaks@x.test --data - --pipeline \
	    >"$dir/swaks2.log" 2>&1
	is "$?" 0 "swaks --pipeline: exit status 0"
	arrived "swaks --pipeline" swakspipe swaks@x.test \
	    to@y.test hidden@y.test
	swaks --pipe "$dir/sendmail -bs" --to 'a b@@y.test' \
	    --from swaks@x.test >"$dir/swaks3.log" 2>&1
	is "$?" 24 "swaks: a bad recipient is refused to it"
else
	skip "swaks" "it is not installed"
fi

end_callers
