#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Programs whose message sendmail does not want, often before it has read any of
# it: they learn why, where SIGPIPE would kill most of them.

. "${srcdir:?}/tests/run/lib.sh"

need python3 python3
make_spool
cat >"$dir/conf" <<END
spool = "$spool"
origin = "o.test"
message_size_max = 20000
recipients_max = 2
END
echo 'nonsense = 1' >"$dir/wrong"

# try ARGS...: sendmail, for a bounded time
try() {
	timeout 60 "$SENDMAIL" "$@" 2>"$dir/said"
}

# try_later ARGS...: when there is something to read, for sendmail does not wait
# long for a writer who says nothing
try_later() {
	wait_for 30 read -r -t 0
	try "$@"
}

# hears STATUS NAME ARGS...: so does one who has 5 MB to write, whole
hears() {
	local want=$1 name=$2
	shift 2
	head -c 5000000 "$dir/text" 2>"$dir/writer" | try_later "$@" >"$dir/out"
	is "${PIPESTATUS[*]}" "0 $want" "$name: the writer lives, $want"
	is "$(wc -l <"$dir/said")|$(queued)|$(queued tmp)" "1|0|0" \
	    "$name: one line, and nothing is kept"
}

yes 'a line of text' | head -c 5000000 >"$dir/text"
conf=(-C "$dir/conf")

# ---- who has much to say ---------------------------------------------------

# One that never stops, a line at a time: the last case, for it takes long.
while echo x; do
	read -r -t 0.2 -u "$_never"
done 2>/dev/null | timeout 60 "$SENDMAIL" "${conf[@]}" 2>/dev/null &
endless=$!

hears 64 "no recipients" "${conf[@]}"
hears 64 "an unknown option" "${conf[@]}" -y a@x.test
hears 64 "-bd" -bd
hears 78 "no configuration" -C "$dir/nowhere" a@x.test
hears 78 "a wrong configuration" -C "$dir/wrong" a@x.test
hears 75 "no spool" "${conf[@]}" --spool "$dir/nowhere" a@x.test
hears 65 "a bad sender" "${conf[@]}" -f 'a b@x.test' a@x.test
hears 65 "a bad recipient" "${conf[@]}" 'a@@x.test'
hears 69 "too many recipients" "${conf[@]}" a@x.test b@x.test c@x.test
hears 69 "too long" "${conf[@]}" a@x.test
hears 64 "no recipient with -t" "${conf[@]}" -t
hears 69 "explained, and too long" "${conf[@]}" --explain a@x.test
hears 75 "waiting, without a spool" "${conf[@]}" --wait=1s \
    --spool "$dir/nowhere" a@x.test

python3 - "$SENDMAIL" >"$dir/out" 2>&1 <<'END'
import signal, socket, subprocess, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
ours, its = socket.socketpair()
with its:
    child = subprocess.Popen([sys.argv[1]], stdin=its, stderr=subprocess.PIPE)
ours.sendall(b'a line of text\n' * 300000)
ours.close()
child.communicate()
print(child.returncode)
END
is "$(<"$dir/out")" 64 "a socket's writer lives, too"

# ---- who has nothing to say, or no end ---------------------------------------

mkfifo "$dir/silent"
exec {silent}<>"$dir/silent"
fails 64 "silence is not waited out" try "${conf[@]}" <&"$silent"
echo x >&"$silent"
fails 64 "nor after a line" try "${conf[@]}" <&"$silent"
yes 2>/dev/null | try "${conf[@]}"
is "${PIPESTATUS[1]}" 64 "a stream without end is left"

# ---- where nobody writes -----------------------------------------------------

# untouched NAME ARGS...: what is on standard input is still there afterwards
untouched() {
	local name=$1
	shift
	is "$(try "$@" >/dev/null; cat)" "the input" "$name: is not read"
}

echo "the input" >"$dir/input"
untouched "a file" "${conf[@]}" <"$dir/input"
for args in "-bs -C $dir/wrong" "-bs -y" "-q a@x.test" "-bp a@x.test" \
    "-bi a@x.test" "-q -y" "-bp -C $dir/wrong" "--help"; do
	# shellcheck disable=SC2086
	untouched "$args" $args < <(cat "$dir/input")
done
python3 - "$SENDMAIL" >"$dir/out" 2>&1 <<'END'
import os, pty, subprocess, sys
ours, its = pty.openpty()
os.write(ours, b'the input\n')
status = subprocess.run([sys.argv[1]], stdin=its, stderr=subprocess.PIPE,
                        timeout=60).returncode
print(status, os.read(its, 100))
END
is "$(<"$dir/out")" "64 b'the input\\n'" "a terminal is not read"

wait "$endless"
is "$?" 64 "a line now and then, without end, is left in the end"

done_testing
