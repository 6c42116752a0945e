#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What spoolq asks whoever sits at a terminal, before it changes many messages.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
. "$srcdir/tests/run/steer.sh"

need python3 python3
unset COLUMNS
make_spool
one=5B000001
two=5B000002
put queue "$one" ann@x.test bob@y.test
put queue "$two" '<>' 'c%E2%80%AEy@z.test' bob@y.test

# typing [EXPECT TYPE]... -- ARGS...: spoolq on a terminal; $said, $status
typing() {
	local script=()
	while [ "$1" != -- ]; do
		script+=("$1")
		shift
	done
	shift
	timeout 60 python3 "$srcdir/tests/run/on-terminal.py" "$dir/said" \
	    "${script[@]}" -- "$SPOOLQ" -C "$config" --spool "$spool" "$@"
	status=$?
	said=$(tr -d '\r' <"$dir/said")
}

typing -- hold "$one"
is "$said|$status" "$one held|0" "one message: nothing is asked"
typing -- release --all
is "$said|$status" "$one released|0" "one that matches: neither"

typing 'y/N\] ' 'n\n' -- hold --all
is "$said|$status|$(queued)" "  $one  ann@x.test -> bob@y.test
  $two  <> -> c\\u{202E}y@z.test +1
hold 2 messages? [y/N] n
spoolq: nothing was done|75|2" "no: nothing is done"
for no in '\n' '\x04' 'no\n' 'yellow\n'; do
	typing 'y/N\] ' "$no" -- drop "$two" "$one"
	is "${said##*$'\n'}|$status|$(queued)" \
	    "spoolq: nothing was done|75|2" "nothing else is a yes: $no"
done
typing 'y/N\] ' '\x03' -- drop --all
is "$status|$(queued)" "130|2" "^C is none either"
for yes in y Y yes; do
	typing 'y/N\] ' "$yes\n" -- hold --all
	is "${said##*N\] }|$status|$(queued hold)" "$yes
$one held
$two held|0|2" "yes: $yes"
	typing -- release --all --yes
	is "$said|$status|$(queued)" "$one released
$two released|0|2" "--yes is an answer"
done
typing -- drop --all --dry-run
is "$said|$status" "$one would be dropped
$two would be dropped|0" "--dry-run asks nothing"
typing 'flush 2 messages\? \[y/N\] ' 'y\n' -- flush
like "$said|$status" "all messages are tried when spoold starts\|0\$" \
    "flush asks about all that is there"
typing 'y/N\] ' 'y\n' -- retry --to y.test
is "$status" 0 "retry asks"
typing -- reroute --relay r --all
is "$status" 64 "what is wrong is not asked about"

put_many 30
typing 'y/N\] ' 'n\n' -- drop --from many@x.test
is "$(wc -l <<<"$said")|$(sed -n '6,7p' <<<"$said")" \
    "8|  ... and 25 more
drop 30 messages? [y/N] n" "of many, the first ones are shown"
typing 'y/N\] ' 'y\n' -- drop --from many@x.test
is "$status|$(queued)|${said##*$'\n'}" "0|2|30 messages dropped" "many are dropped"

put hold 5C000001 "$(printf 'a%.0s' {1..40})@x.test" \
    "$(printf 'b%.0s' {1..40})@y.test" cy@y.test
put hold 5C000002 "$(printf '%%E6%%BC%%A2%.0s' {1..30})@x.test" bob@y.test
typing 'y/N\] ' 'n\n' -- release --state held
at_most "$(head -n 2 <<<"$said" | LC_ALL=C.UTF-8 wc -L)" 80 \
    "what is shown fits into lines"
like "$said" '\.\.\. \+1' "and the count is not cut"
rm "$spool"/hold/5C*

# Not a terminal on both sides: a script.
timeout 60 python3 "$srcdir/tests/run/on-terminal.py" "$dir/said" -- \
    bash -c '"$@" </dev/null' - "$SPOOLQ" -C "$config" --spool "$spool" \
    hold --all
is "$?|$(queued hold)" "0|2" "without a terminal for the answer, no question"

# sendmail -q does not ask.
typing -- release --all --yes
SPOOLD_EXEC_PATH=$builddir/spoolq timeout 60 \
    python3 "$srcdir/tests/run/on-terminal.py" "$dir/said" -- \
    "$SENDMAIL" -C "$config" --spool "$spool" -q
is "$?|$(<"$dir/said")" "0|" "sendmail -q asks nothing"
done_testing
