#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Times and lanes: what a caller and a header wish, as the queue file has it.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
printf 'origin = "o.test"\naliases = none\n' >"$dir/conf"
cat >"$dir/conf.lanes" <<'END'
origin = "o.test"
aliases = none
lane "otp" { priority = "urgent" }
lane "bulk" { }
END

# submit HEADER ARGS...: $status, $err; of the queue file $lane, $ttl and
# $delay, in microseconds since the arrival, "" where there is none
submit() {
	local header=$1 file
	shift
	rm -f "$spool"/queue/*
	err=$(printf '%b\nbody\n' "$header" | "$SENDMAIL" -C "$dir/conf" \
	    --spool "$spool" "$@" a@x.test 2>&1 >/dev/null)
	status=$?
	lane='' ttl='' delay='' file=$(find "$spool/queue" -type f)
	[ -z "$file" ] || look_at "$file"
}

look_at() {
	local arrival
	sed '/^$/q' "$1" >"$dir/envelope"
	sed '1,/^$/d' "$1" >"$dir/message"
	arrival=$(sed -n 's/^arrival //p' "$dir/envelope")
	lane=$(sed -n 's/^lane //p' "$dir/envelope")
	ttl=$(since "$arrival" expires)
	delay=$(since "$arrival" not-before)
}

since() { # ARRIVAL KEY
	local value
	value=$(sed -n "s/^$2 //p" "$dir/envelope")
	[ -z "$value" ] || echo $((value - $1))
}

# wishes WANT NAME HEADER ARGS...: WANT is "LANE|TTL|DELAY", nothing is said
wishes() {
	local want=$1 name=$2
	shift 2
	submit "$@"
	is "$status|$err|$lane|$ttl|$delay" "0||$want" "$name"
}

refuses() { # REGEX NAME ARGS...
	local regex=$1 name=$2
	shift 2
	submit '' "$@"
	is "$status|$(queued)|$(queued tmp)|$(wc -l <<<"$err")" "64|0|0|1" \
	    "$name: 64, and nothing is queued"
	like "$err" "^sendmail: .*$regex" "$name: and the line"
}

# ---- options -----------------------------------------------------------

wishes '||' "nothing is wished for" ''
is "$(grep -cE '^(lane|expires|not-before|report-of)' "$dir/envelope")" 0 \
    "and nothing is written"
wishes '|600000000|' "a time to live" '' --ttl=10m
wishes '||7200000000' "a delay" '' --not-before=+2h
wishes 'otp||' "a lane" '' --lane=otp
wishes 'bulk|172800000000|3600000000' "all three" '' \
    --ttl 2d --not-before +1h --lane bulk
wishes 'bulk|60000000|30000000' "by -O" '' -O TTL=1m -OAt=+30s -O Lane=bulk
wishes '||' "other -O are ignored" '' -O Timeout.ident=0 -OttlX=1m

submit '' --not-before=@4102444800
is "$(grep ^not-before "$dir/envelope")" "not-before 4102444800000000" \
    "seconds since the epoch"
submit '' --not-before=2100-01-01T00:00:00+01:00
is "$(grep ^not-before "$dir/envelope")" "not-before 4102441200000000" \
    "a day, a time and a zone"
TZ=XXX3 submit '' --not-before='2100-01-01 00:00'
is "$(grep ^not-before "$dir/envelope")" "not-before 4102455600000000" \
    "a time where the caller is"
submit '' --not-before=18:00
at_most "$delay" 86400000000 "the next time that it is 18:00"
is "$(((delay + $(sed -n 's/^arrival //p' "$dir/envelope")) % 86400000000))" \
    64800000000 "to the second"

refuses "--ttl takes a time .* not 'soon'" "no time to live" --ttl=soon
refuses "--ttl takes a time .* not '0'" "no time at all" -O ttl=0
refuses "--not-before takes a time .* not 'noon'" "no time" --not-before=noon
refuses "--lane takes .* not 'a b'" "no name of a lane" --lane='a b'
refuses "--ttl ends before --not-before" "never to be sent" \
    --ttl=1h --not-before=+1h

# ---- the header ----------------------------------------------------------

wishes 'otp|600000000|60000000' "a header may wish" \
    'X-Spool-TTL: 10m\nx-spool-lane: otp\nX-SPOOL-NOT-BEFORE:\n +1m\n'
is "$(grep -ci '^x-spool' "$dir/message")" 0 "which nobody else sees"
wishes 'bulk|3600000000|1000000' "options win" \
    'X-Spool-TTL: 10m\nX-Spool-Lane: otp\nX-Spool-Not-Before: +1m\n' \
    --ttl=1h --lane=bulk --not-before=+1s
is "$(grep -ci '^x-spool' "$dir/message")" 0 "and the fields go"
wishes 'urgent||' "a priority" 'Priority: Urgent\n'
is "$(tr -d '\r' <"$dir/message" | grep '^Priority')" "Priority: Urgent" \
    "which stays"
wishes 'otp||' "a lane wins over a priority" \
    'Priority: urgent\nX-Spool-Lane: otp\n'
wishes '|600000000|' "the first field counts" \
    'X-Spool-TTL: 10m\nX-Spool-TTL: 1d\n'
wishes '||' "what makes no sense is forgotten" \
    'X-Spool-TTL: 10 parsecs\nX-Spool-Lane: ?\nX-Spool-Not-Before: once\n'
is "$(queued)|$(grep -ci '^x-spool' "$dir/message")" "1|0" \
    "and the message taken"
submit 'X-Spool-TTL: 10 parsecs\nX-Spool-Not-Before: once\n' --explain
like "$err" "^sendmail: warning: X-Spool-Not-Before 'once' is ignored: .*
sendmail: warning: X-Spool-TTL '10 parsecs' is ignored: it takes a time" \
    "but there is a warning"

rm -f "$spool"/queue/*
printf '%s\r\n' 'EHLO x' 'MAIL FROM:<a@x.test>' 'RCPT TO:<b@x.test>' DATA \
    'X-Spool-TTL: 10m' 'X-Spool-Lane: otp' '' body . \
    'MAIL FROM:<a@x.test>' 'RCPT TO:<b@x.test>' DATA 'S: x' '' body . QUIT |
    sm -C "$dir/conf" -bs >"$dir/out"
is "$(grep -c '^250 2.0.0 Ok: queued' "$dir/out")" 2 "two by SMTP"
look_at "$(find "$spool/queue" -type f | sort | head -n 1)"
is "$lane|$ttl|$delay" "otp|600000000|" "a header's wish"
look_at "$(find "$spool/queue" -type f | sort | tail -n 1)"
is "$lane|$ttl|$delay" "||" "which is for that message alone"

# explain HEADER ARGS...: the lines that it has of times and lanes
explain() {
	local header=$1
	shift
	printf '%b\nbody\n' "$header" | sm -C "$dir/conf" --explain "$@" \
	    a@x.test | grep -E '^(lane|expires|not before)' | tr '\n' '|'
}

is "$(explain '' --not-before=2100-01-01T00:00 --lane=bulk)" \
    "not before Fri, 1 Jan 2100 00:00:00 +0000|lane       bulk|" \
    "what is wished for is explained"
like "$(explain 'X-Spool-TTL: 10m\n')" \
    '^expires    [A-Z][a-z]{2}, [0-9]+ [^|]* \+0000\|$' \
    "when a message expires is so, too"
is "$(explain '')" "" "and nothing where there is nothing"

# ---- lanes that are configured ---------------------------------------------

cp "$dir/conf.lanes" "$dir/conf"
wishes 'bulk||' "one of them" '' --lane=bulk
wishes 'normal||' "the one that is always there" '' --lane=normal
wishes 'urgent||' "one by its priority" '' --lane=urgent
refuses "--lane: none is called 'opt' .*; there are.* otp, .*bulk" \
    "none of them" --lane=opt
refuses "none is called 'opt'" "none of them by -O" -O lane=opt
wishes 'opt||' "a header cannot know" 'X-Spool-Lane: opt\n'
is "$(explain 'X-Spool-Lane: opt\n')" "lane       normal, asked for as opt|" \
    "one that is not there is explained"
is "$(explain 'Priority: urgent\n')" "lane       otp, asked for as urgent|" \
    "and one that a priority leads to"
is "$(explain '' --lane=bulk)" "lane       bulk|" "and one by its name"

done_testing
