#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail --explain: what would become of a message, to the letter, and
# nothing happens.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
me=$(id -un)
cat >"$dir/aliases" <<END
root: ann@corp.test, bob@corp.test
END
cat >"$dir/conf" <<END
origin = "o.test"
aliases = "$dir/aliases"
relay = "smtp.example.com:587"
tls = starttls
user = "me@example.com"
password_file = "$dir/secret"
END
echo 'opensesame' >"$dir/secret"
echo 'origin = "o.test"' >"$dir/conf.none"
printf 'origin = "o.test"\nrelay = "maildir:/m"\n' >"$dir/conf.maildir"
printf 'origin = "o.test"\nrelay = "[::1]:26"\n' >"$dir/conf.six"
printf 'From: ann@x.test\nSubject: a\n\tb\nBcc: eve@x.test\n\nbody\n' \
    >"$dir/mail"

# explain CONFIG ARGS...: $out, $err, $status
explain() {
	local conf=$1
	shift
	out=$("$SENDMAIL" -C "$dir/$conf" --spool "$spool" --explain "$@" \
	    2>"$dir/err" <"$dir/mail")
	status=$?
	err=$(<"$dir/err")
}

# The header that is made differs each time.
fixed() {
	sed -E 's/^(Date|Message-Id): .*/\1: .../' <<<"$1"
}

explain conf -t -i -f boss@x.test -N failure,delay -R hdrs -V E1 \
    -B8BITMIME root cy@x.test
is "$status|$err" "0|" "it would be accepted"
is "$(fixed "$out")" "\
sender     boss@x.test, by -f
recipient  ann@corp.test, for root@o.test
recipient  bob@corp.test, for root@o.test
recipient  cy@x.test
recipient  eve@x.test
notify     FAILURE,DELAY
ret        HDRS
envid      E1
body       8BITMIME
size       $(sed -n 's/^size *//p' <<<"$out")
relay      smtp.example.com:587, the only one
           tls starttls, login as me@example.com
spool      $spool
by         uid $(id -u), login $me

From: ann@x.test
Subject: a
	b
Date: ...
Message-Id: ..." "all of it"
unlike "$out" "sesame|secret" "no password, nor where it is"
is "$(queued)|$(queued tmp)" "0|0" "nothing is queued"
at_most "$(sed '/^$/q' <<<"$out" | wc -L)" 80 "it fits a terminal"

# The size is that of the message as it would be stored.
sm -C "$dir/conf" -t -i root cy@x.test <"$dir/mail"
stored=$(head -n 1 "$spool"/queue/* | awk '{ print $3 + 0 }')
like "$out" "size +$stored bytes" "the size is that of the stored message"
rm -f "$spool"/queue/*

explain conf.none root@x.test
like "$out" "^sender     $me@o.test, from the login name $me
" "the login name sends"
like "$out" "
relay      none configured: it would wait, if spoold was not given one
" "no relay: it would wait"
explain conf.maildir -f '<>' a@x.test
like "$out" "^sender     <>, by -f <>
" "nobody sends"
like "$out" "
relay      maildir:/m, the only one
spool " "a Maildir"
explain conf.six -f ann a@x.test
like "$out" "^sender     ann@o.test, by -f ann
" "a sender that is completed"
like "$out" "
relay      \\[::1\\]:26, the only one
           tls opportunistic, no login
" "an IPv6 relay without login"

# Several relays: which one, and why.
cat >"$dir/conf.many" <<END
origin = "o.test"
tls = starttls
relay "main" {
	host = {"a.test", "b.test:2525", "::1", "[::1]:26", "unix:/s",
	    "unix:/a:b", "srv:c.test"}
	port = 587
}
relay "box" { host = "maildir:/m" }
relay "idle" { host = idle.test }
route {
	recipient = "@.lan"
	relay = "box"
}
lane "news" { sender = "news@x.test" }
END
explain conf.many -f news@x.test a@x.test b@pc.lan c@x.test
is "$status|$err" "0|" "several relays"
like "$out" "
recipient  a@x.test
           by relay main, the default
recipient  b@pc.lan
           by relay box, route at $dir/conf.many:10
recipient  c@x.test
           by relay main, the default
size " "each recipient has one, for a reason"
like "$out" "
lane       news
relay      main: a.test:587, the default
           then b.test:2525
           then \\[::1\\]:587
           then \\[::1\\]:26
           then unix:/s
           then unix:/a:b
           then srv:c.test
           tls starttls, no login
relay      box: maildir:/m
spool " "those that are used are shown"
explain conf.many -f ann@x.test a@x.test
like "$out" "
lane       normal
" "the lane of all else"
unlike "$out" "maildir" "a relay without recipients is not shown"
printf 'relay a { host = a.test }\nroute { relay = b }\n' >"$dir/conf.wrong"
explain conf.wrong -f ann@x.test a@x.test
like "$out" "
           by no relay that is configured, route at $dir/conf.wrong:2
" "a route to nowhere"

printf 'Subject: \33[2J\302\233\n\t\342\200\256x\r\n\nx\n' >"$dir/mail"
explain conf.none -f $'"\33]0;x"@x.test' a@x.test
unlike "$out$err" $'\33|\302\233|\342\200\256|\r' "nothing gets at the terminal"
explain conf.none a@x.test
unlike "$out" $'\33|\302\233|\342\200\256|\r' "nor in the header"
like "$out" 'Subject: \\x1B\[2J' "which shows what it is"

# ---- what would not be accepted ----------------------------------------

refuses() { # STATUS REGEX NAME ARGS...
	local want=$1 regex=$2 name=$3
	shift 3
	explain conf.none "$@"
	is "$status" "$want" "$name: status $want"
	like "$err" "^sendmail: [^
]*${regex}[^
]*\$" "$name: and the line"
	is "$out" "" "$name: nothing else"
}

refuses 64 "no recipients" "no recipients"
refuses 64 "no recipients" "none in the header" -t
refuses 65 "bad recipient" "half an address" 'a@x.test <b'
refuses 65 "bad sender" "two senders" -f 'a@x b@x' c@x.test
refuses 64 "--explain is for a message" "with -bs" -bs
refuses 64 "--explain is for a message" "with -bp" -bp
refuses 64 "--explain is for a message" "with -q" -q
refuses 64 "takes no argument" "with an argument" --explain=x a@x.test
printf 'A: \0b\n\n' >"$dir/mail"
refuses 65 "NUL" "a header that is none" a@x.test
head -c 400 /dev/zero | tr '\0' x >"$dir/mail"
printf 'origin = "o.test"\nmessage_size_max = 300\n' >"$dir/conf.small"
explain conf.small a@x.test
is "$status|$out" "69|" "too long"
like "$err" "300 bytes" "which it says"
said=$("$SENDMAIL" -C "$dir/conf.none" --explain a@x.test 2>&1 <&-)
is "$?" 66 "closed standard input"

# ---- without a spool ---------------------------------------------------

printf 'Subject: x\n\n' >"$dir/mail"
said=$("$SENDMAIL" -C "$dir/conf.none" --spool "$dir/none" --explain \
    a@x.test 2>"$dir/err" <"$dir/mail")
is "$?" 75 "no spool: it would not be accepted"
like "$said" "
spool      cannot use the spool: '$dir/none' is missing
" "it is explained all the same"
is "$(<"$dir/err")" "sendmail: cannot use the spool: '$dir/none' is missing" \
    "with the line that sendmail would have had"
if [ "$(id -u)" -ne 0 ]; then
	chmod 500 "$spool/queue"
	explain conf.none a@x.test
	is "$status" 75 "a spool that cannot be written"
	chmod 700 "$spool/queue"
fi

said=$("$SENDMAIL" -C "$dir/conf.none" --spool "$spool" --explain a@x.test \
    2>&1 >/dev/full <"$dir/mail")
is "$?" 74 "an output that is full"
like "$said" "cannot write" "is said"

# ---- set-group-id ------------------------------------------------------

is_sanitized() {
	grep -aqE '__(asan|tsan|ubsan)_' "$SENDMAIL"
}

# The configuration is compiled in, and there may be none: what a caller may
# not read is tried on the installed one, in install.t.
if [ "$(id -u)" -ne 0 ] || is_sanitized; then
	skip "set-group-id" "not root, or sanitizers"
else
	chmod 711 "$dir"
	cp "$SENDMAIL" "$dir/setgid"
	chgrp mail "$dir/setgid"
	chmod 2755 "$dir/setgid"
	said=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$dir/setgid" --explain a@x.test 2>&1 <"$dir/mail")
	like "$said" "^sender     [^ ]*, from the login name nobody
recipient  a@x.test
" "set-group-id: it explains"
	said=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$dir/setgid" -C "$dir/conf" --explain a@x.test 2>&1 <"$dir/mail")
	is "$?" 77 "set-group-id: not with another configuration"
	chmod 700 "$dir"
fi
done_testing
