#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq watch: it has the terminal while it runs, and never afterwards.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
need python3 python3

export LC_ALL=C.UTF-8 TERM=xterm
unset COLUMNS NO_COLOR
make_spool

# in_terminal ROWS COLUMNS ARGS... <STEPS: watch there
in_terminal() {
	local rows=$1 columns=$2
	shift 2
	python3 "$srcdir/tests/run/terminal.py" "$rows" "$columns" \
	    "$SPOOLQ" -C "$config" --spool "$spool" watch "$@" \
	    >"$dir/terminal.out" 2>&1 && return
	diag "$(<"$dir/terminal.out")"
	return 1
}

# ---- without a terminal ------------------------------------------------

spoolq watch >"$dir/out" 2>"$dir/err" </dev/null
is "$?" 64 "no terminal: refused"
like "$(<"$dir/err")" "^spoolq: watch needs a terminal; 'spoolq status'" \
    "which is said"
is "$(<"$dir/out")" "" "and nothing written"
ok "an interval that is none" in_terminal 24 80 -n 0 <<'END'
see --interval: '0' is no time from 1s to 1h
ended 64
END
fails 64 "and one that is too long" spoolq watch --interval 2h 2>/dev/null

# ---- in a terminal -----------------------------------------------------

ok "q quits; the terminal is as before" in_terminal 24 80 <<'END'
see \x1b\[\?1049h
see CRITICAL.*spoold is not running
see q quit
raw
frame
key q
ended 0
sane
END
printf -v keys '%200s' ''
python3 "$srcdir/tests/run/on-terminal.py" "$dir/frames" 'q quit' \
    "${keys// /x}q" -- \
    "$SPOOLQ" -C "$config" --spool "$spool" watch -n 1h
at_most "$(tr '\033' '\n' <"$dir/frames" | grep -c '^\[H')" 20 \
    "keys that are pending are taken before it draws again"
ok "so does ^C" in_terminal 24 80 <<'END'
see q quit
key \x03
ended 0
sane
END
for signal in TERM HUP QUIT; do
	ok "SIG$signal ends it, with a terminal as before" \
	    in_terminal 24 80 <<END
see q quit
signal $signal
ended $signal
sane
END
done
ok "^Z stops it, SIGCONT gives it the terminal again" \
    in_terminal 24 80 <<'END'
see q quit
raw
key \x1a
stopped
sane
signal CONT
see \x1b\[\?1049h
see q quit
raw
signal TSTP
stopped
sane
signal CONT
see q quit
key q
ended 0
sane
END
ok "in the background it leaves the terminal alone" in_terminal 24 80 <<'END'
see q quit
key \x1a
stopped
background
signal CONT
stopped
sane
foreground
signal CONT
see q quit
raw
key q
ended 0
sane
END
ok "frames fit any size, at once" in_terminal 24 80 -n 1h <<'END'
see q quit
frame
resize 10 40
see q quit
frame
resize 3 20
see q quit
frame
resize 50 200
see every 60m|every 1h
frame
resize 1 1
see \x1b\[J
key q
ended 0
sane
END
ok "space looks again, time passes too" in_terminal 24 80 -n 1 <<'END'
see q quit
key x
see q quit
key q
ended 0
END
ok "a dumb terminal will not do" env TERM=dumb bash -c '
	python3 "$0" 24 80 "$@" watch <<<"ended 64"' \
    "$srcdir/tests/run/terminal.py" "$SPOOLQ" -C "$config" --spool "$spool"

# ---- what it shows -----------------------------------------------------

start_smtpd --rule 'rcpt match=busy* reply "450 4.2.0 \x1b[2J\x9b31mbusy"'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_simple ann@x.test 'busy@y.test'
ok "a message waits" wait_for 10 has_events 1 deferred
send_simple ann@x.test bob@y.test
ok "another is delivered" wait_for 10 has_messages 1
ok "with a spoold: what it does, harmless" in_terminal 40 120 <<'END'
see OK:.*mail is leaving
see runs for
see 1 deferred
see RELAY
see 450 4\.2\.0 \\x1B\[2J
frame
key q
ended 0
END
export NO_COLOR=1
ok "without colours if they are not wanted" in_terminal 24 80 <<'END'
see [^m]OK: mail
key q
ended 0
END
unset NO_COLOR
end_meanwhile() {
	echo "see OK:"
	echo "touch $dir/seen"
	wait_for 20 test -e "$dir/seen"
	kill -TERM "$spoold_pid"
	wait_for 15 is_gone "$spoold_pid"
	echo "key x"
	echo "see CRITICAL.*spoold is not running"
	echo "key q"
	echo "ended 0"
	echo "sane"
}
ok "spoold ends meanwhile: the next look says so" \
    in_terminal 24 80 < <(end_meanwhile)

if [ "$(id -u)" -eq 0 ]; then
	chmod 0755 "$dir"
	ok "who may not read the spool is told on the screen, or at once" \
	    bash -c '
		python3 "$0" 24 80 setpriv --reuid 65534 --regid 65534 \
		    --clear-groups "$@" watch <<-END
		see cannot open the spool|cannot be read|not running
		END
	' "$srcdir/tests/run/terminal.py" "$SPOOLQ" -C /dev/null --spool "$spool"
	chmod 0700 "$dir"
else
	skip "another user" "not root"
fi

done_testing
