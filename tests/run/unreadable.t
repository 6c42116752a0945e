#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A queue file that spoold may not read: it is named once, not at every scan,
# and goes on as soon as it can be read.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

arrival=1763770000123456
make_spool

# Root reads everything, unless it has given that up.
if [ "$(id -u)" -eq 0 ]; then
	need setpriv util-linux
	cat >"$dir/spoold" <<END
#!/bin/sh
exec setpriv --bounding-set=-dac_override,-dac_read_search "$SPOOLD" "\$@"
END
	chmod 755 "$dir/spoold"
	SPOOLD=$dir/spoold
	touch "$dir/locked"
	chmod 0 "$dir/locked"
	! setpriv --bounding-set=-dac_override,-dac_read_search \
	    cat "$dir/locked" 2>/dev/null ||
	    skip_all "root reads everything here"
fi

put() { # STATE ID
	printf 'Subject: x\r\n\r\nx\r\n' |
	    put_message "$spool/$1" "$2" "$arrival" ann@x.test bob@x.test
}

# complaints: how often spoold spoke of the file
complaints() {
	grep -c "cannot read id=$one " "$spoold_log"
}

# complained COUNT
# shellcheck disable=SC2317 # wait_for calls it
complained() {
	[ "$(complaints)" -eq "$1" ]
}

# scan: a whole one, which has admitted what was put beside the file
scan() {
	scans=$((scans + 1))
	put hold "3286A1B30$scans"
	kill -HUP "$spoold_pid"
	wait_for 20 grep -q "admitted id=3286A1B30$scans" "$spoold_log" ||
	    bail "no scan"
}

scans=0
one=3286A1B2C3
put queue "$one"
chmod 0 "$spool/queue/$one"
start_spoold --tls none
ok "the file is named" wait_for 20 grep -q \
    "cannot read id=$one in queue/: Permission denied" "$spoold_log"
scan
scan
scan
is "$(complaints)" 1 "once"
is "$(queued)" 1 "and left where it is"
ok "spoold ends" stop_spoold
start_spoold --tls none
ok "after a restart it is named again" wait_for 20 complained 2
scan
is "$(complaints)" 2 "once"

mv "$spool/queue/$one" "$dir/away"
scan
scan
mv "$dir/away" "$spool/queue/$one"
scan
is "$(complaints)" 3 "one that comes again is named again"

chmod 600 "$spool/queue/$one"
scan
ok "it goes on when it can be read" wait_for 20 \
    grep -q "admitted id=$one" "$spoold_log"
ok "spoold ends again" stop_spoold
done_testing
