#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoold(8) has every option, signal and environment variable of spoold,
# spoold-spool(5) every event, every member of journal and status, and every key
# of an envelope.

. "${srcdir:?}/tests/run/lib.sh"

export LC_ALL=C	# what comm(1) is given is sorted
pages=$srcdir/man

# documented PAGE MACRO: what that macro marks, one a line
documented() {
	awk -v macro="$2" '/^\./ {
		inside = 0
		for (i = 1; i <= NF; i++) {
			word = i == 1 ? substr($i, 2) : $i
			if (word ~ /^[A-Z][a-z]$/)
				inside = word == macro
			else if (inside)
				print word
		}
	}' "$1" | sort -u
}
# has LIST WORD
has() {
	grep -qxF -e "$2" <<<"$1"
}

# ---- options -------------------------------------------------------------

options=$("$SPOOLD" --help | grep -o -- '--[a-z-]*' | sort -u)
ok "spoold has options" has "$options" --relay
is "$(comm -3 <(echo "$options") \
    <(documented <(grep '^\.It Fl' "$pages/spoold.8") Fl |
	sed -n 's/^-/--/p'))" "" \
    "spoold(8) has all of them, and no others"

variables=$(grep -ho 'getenv("[A-Z_]*")' "$srcdir"/spoold/*.c \
    "$srcdir/lib/log.c" "$srcdir/lib/conf-check.c" | cut -d '"' -f 2 | sort -u)
for variable in $variables; do
	ok "$variable is in it" has "$(documented "$pages/spoold.8" Ev)" \
	    "$variable"
done
signals=$(sed -n '/signals\[\] = {/,/}/s/.*\(SIG[A-Z0-9]*\),/\1/p' \
    "$srcdir/spoold/loop.c")
for signal in $signals; do
	ok "$signal is in it" has "$(documented "$pages/spoold.8" Dv)" "$signal"
done

# ---- the spool -----------------------------------------------------------

all=$(documented "$pages/spoold-spool.5" Cm)
# missing WORD...: those that the page does not have
missing() {
	comm -23 <(printf '%s\n' "$@" | sort -u) <(echo "$all")
}
names() { # REGEX FILE...
	sed -n "s/$1/\1/p" "${@:2}" | sort -u
}

events=$(names '.*\[EVENT_.*\] = "\([a-z-]*\)",.*' "$srcdir/lib/event.c")
ok "there are events" has "$events" warned
# shellcheck disable=SC2086 # words
is "$(missing $events)" "" "all of them are in spoold-spool(5)"
members=$(names '.*(o, "\([a-z_]*\)".*' "$srcdir/lib/event-text.c")
ok "events have members" has "$members" report_of
# shellcheck disable=SC2086
is "$(missing $members)" "" "all of them are in it"
members=$(names '.*[( ]o, "\([a-z_]*\)".*' "$srcdir"/lib/status{,-head}.c |
    grep -vx true)
ok "the status has members" has "$members" untold
# shellcheck disable=SC2086
is "$(missing $members)" "" "all of them are in it, too"
keys=$(names '.*{ "\([a-z0-9-]*\)", read_.*' "$srcdir/lib/envelope-read.c")
ok "an envelope has keys" has "$keys" report-of
# shellcheck disable=SC2086
is "$(missing $keys)" "" "all of them are in it as well"

isnt_there=$(missing warned no-such-word)
is "$isnt_there" "no-such-word" "what is not there would be noticed"

done_testing
