# shellcheck shell=bash disable=SC2154,SC2034 # variables shared with lib.sh, tests
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# For tests with the programs that call sendmail: what each is given to send,
# and what must arrive of it.

# What every caller sends.  No line of it may be lost, end the message, gain
# or lose a dot.
text=$'Hello,\n.leading dot\n.\nafter a lone dot\n..two dots\n'

expected=0
# Whose mail it is if the caller names no sender: the real user's.
self=$(id -un)@origin.test

# the_message: the one that was looked at last, without its extension
the_message() {
	printf '%s/%06d' "$smtpd_out" "$expected"
}

# header_of NAME: what follows the name of such fields in the last message,
# one field a line, unfolded
header_of() {
	sed 's/\r$//; /^$/q' "$(the_message).eml" |
		sed -e ':more' -e '$!N; s/\n\([ \t]\)/\1/; t more' -e 'P; D' |
		sed -n "s/^$1: *//Ip"
}

# sender_is CALLER ADDRESS: the envelope sender of the last message
sender_is() {
	is "$(sed -n 's/^mail <\([^>]*\)>.*/\1/p' "$(the_message).env")" "$2" \
		"$1: the sender"
}

_body() {
	sed '1,/^\r$/d' "$1" | tr -d '\r'
}

# arrived CALLER SUBJECT SENDER RCPT...: the next message did, as it should:
# of that sender, at these recipients and no others, with the whole text (or
# that in $want_text).
arrived() {
	local caller=$1 subject=$2 sender=$3 file
	shift 3
	expected=$((expected + 1))
	if ! ok "$caller: it arrives" wait_for 20 has_messages "$expected"; then
		expected=$((expected - 1))
		return 1
	fi
	file=$(the_message)
	is "$(sed -n 's/^rcpt <\([^>]*\)>.*/\1/p' "$file.env" | sort |
	    tr '\n' ' ')" "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" \
	    "$caller: at its recipients"
	sender_is "$caller" "$sender"
	is "$(header_of Subject)" "$subject" "$caller: with its subject"
	is "$(grep -Eic '^(resent-)?bcc[ 	]*:|hidden@' "$file.eml")" 0 \
	    "$caller: Bcc is not shown"
	is "$(grep -E '^(bare|nul)' "$file.env" | tr '\n' ' ')" \
	    "bare_lf 0 bare_cr 0 nul 0 " "$caller: lines end in CRLF"
	# Some put more behind it (a patch, an empty line).
	[[ "$(_body "$file.eml")"$'\n' == "${want_text-$text}"* ]]
	ok "$caller: the text is whole" test "$?" -eq 0 || {
		diag "body:"
		diag "$(_body "$file.eml" | head -n 20 | cat -A)"
	}
}

# make_caller_sendmail: a path for them to call, as they would /usr/sbin/
# sendmail; what it says on stderr is kept, though some callers close it.
make_caller_sendmail() {
	config=$dir/spoold.conf
	echo 'origin = "origin.test"' >"$config"
	cat >"$dir/sendmail" <<EOS
#!/bin/sh
exec "$SENDMAIL" -C "$config" --spool "$spool" "\$@" 2>>"$dir/sendmail.err"
EOS
	chmod 755 "$dir/sendmail"
	HOME=$dir
	export HOME
	unset EMAIL MAILRC REPLYTO
}

# start_callers: everything up to the first caller
start_callers() {
	make_caller_sendmail
	make_spool
	start_smtpd
	start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
}

# end_callers: what holds after the last one
end_callers() {
	is "$(cat "$dir/sendmail.err" 2>/dev/null)" "" "sendmail was silent"
	ok "the queue is empty" wait_for 10 queue_has 0
	is "$(count_messages)" "$expected" "nothing came twice"
	ok "spoold stops" stop_spoold
	done_testing
}
