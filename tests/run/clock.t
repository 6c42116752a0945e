#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The clock is set, by years, while mail waits: nothing ends early, nothing
# waits longer, and reports have the right date.

TEST_TIMEOUT=180
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/machine.sh"

library=$(echo /usr/lib/*/faketime/libfaketime.so.1)
[ -e "$library" ] || skip_all "libfaketime is not installed"
! is_sanitized || skip_all "the sanitizers' library has to be the first one"

year=$((365 * 86400))
set_clock() { # SECONDS: so far from what it is
	printf '%+d\n' "$1" >"$dir/clock.new"
	mv "$dir/clock.new" "$dir/clock"
}
# By that clock.  What has no steps has none there, either.
faked() {
	LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$dir/clock \
	    FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}
set_clock $((10 * year))
[ "$(faked date +%Y)" -gt "$(date +%Y)" ] ||
    skip_all "libfaketime does not work here"

# letter TO [OPTION...]
letter() {
	local to=$1
	shift
	printf 'Subject: to %s\n\nx\n' "$to" |
	    sm -i -f ann@x.test "$@" -- "$to"
}
arrived() {
	[ "$(messages_to "$1")" -ge 1 ]
}

for by in $((10 * year)) $((-10 * year)); do
	way=$([ "$by" -gt 0 ] && echo on || echo back)
	rm -rf "$spool"
	make_spool
	printf '%s\n' 'aliases = none' 'retry = {"8s"}' 'lifetime = 5d' \
	    'freq = 1s' >"$config"
	smtpd_name=$way start_smtpd \
	    --rule 'rcpt match=busy* times=3 reply "450 4.2.2 busy"' \
	    --rule 'rcpt match=bad* reply "550 5.1.1 no"' --without DSN
	set_clock 0
	faked start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
	letter busy@y.test
	letter soon@y.test --not-before +20s --ttl 10m
	ok "ten years $way: one is put off, one not sent yet" \
	    wait_for 20 has_events 1 deferred
	set_clock "$by"
	ok "that is noticed" wait_for 20 has_line "$spoold_log" \
	    "the system's clock was set"
	ok "it is tried again in time" wait_for 20 has_events 2 deferred
	ok "and again" wait_for 20 has_events 3 deferred
	ok "and delivered" wait_for 20 arrived busy@y.test
	ok "so is what was to be sent later" wait_for 60 arrived soon@y.test
	letter bad@y.test
	ok "a report is written" wait_for 20 arrived ann@x.test
	want=$(faked date -u +%Y)
	report=$(grep -lF 'rcpt <ann@x.test>' "$smtpd_out"/*.env)
	like "$(sed -n '/^Date: /p' "${report%.env}.eml")" " $want " \
	    "with the year that it is"
	ok "nothing is left" wait_for 20 queue_has 0
	is "$(events failed) $(queued failed)" "1 0" "nothing was given up"
	ok "spoold stops" stop_spoold
	stop_smtpd
done
done_testing
