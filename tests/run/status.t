#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What spoold writes down is what the schemas say, while it is busy and
# whatever it meets, and what other programs can read.

: "${TEST_TIMEOUT:=180}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

need jq jq
need python3 python3
python3 -c 'import jsonschema' 2>/dev/null ||
    skip_all "Python's jsonschema is not installed (python3-jsonschema)"

schema=$srcdir/doc/schema
status=$spool/.status.json

# valid NAME: the status and all journals are
valid() {
	ok "$1: the status is what its schema says" python3 \
	    "$srcdir/tests/run/validate.py" "$schema/status.schema.json" \
	    "$status"
	ok "$1: so is each line of the journals" python3 \
	    "$srcdir/tests/run/validate.py" --lines \
	    "$schema/journal.schema.json" "$spool"/.journal.jsonl*
}

# status EXPRESSION: of the status, as jq says
status() {
	jq -r "$1" "$status" 2>&1
}

_is_replaced() { # INODE
	[ "$(stat -c %i "$status")" != "$1" ]
}

# snapshot: a new one
snapshot() {
	local before
	before=$(stat -c %i "$status")
	kill -USR1 "$spoold_pid"
	wait_for 10 _is_replaced "$before"
}

_tells() { # EXPRESSION VALUE
	snapshot && [ "$(status "$1")" = "$2" ]
}

# becomes EXPRESSION VALUE NAME: in one of the next snapshots
becomes() {
	wait_for 20 _tells "$1" "$2"
	is "$(status "$1")" "$2" "$3"
}

# ---- a validator that finds nothing is worth nothing -------------------

check() { # TEXT
	printf '%s\n' "$1" >"$dir/line"
	python3 "$srcdir/tests/run/validate.py" --lines \
	    "$schema/journal.schema.json" "$dir/line" >"$dir/validate.log"
}
ok "an event is valid" check '{"seq":1,"time":1,"event":"start"}'
fails 1 "one without a number is not" check '{"time":1,"event":"start"}'
fails 1 "nor one with a member that nobody described" check \
    '{"seq":1,"time":1,"event":"start","mood":"good"}'
fails 1 "nor one that lacks its recipient" check \
    '{"seq":1,"time":1,"event":"failed","id":"3286A1B2C3"}'
result='"id":"3286A1B2C3","index":0,"rcpt":"r","reply":"","attempts":1'
ok "what is uncertain may count" check \
    '{"seq":1,"time":1,"event":"uncertain",'"$result}"
fails 1 "what is deferred does so anyway" check \
    '{"seq":1,"time":1,"event":"deferred",'"$result}"

# ---- a busy run --------------------------------------------------------

make_spool
start_smtpd \
    --rule $'rcpt match=later@* reply "451 4.2.0 busy \e[31m \\"q\\" \xc3\xa9"' \
    --rule 'rcpt match=never@* reply "550 5.1.1 no such user"' \
    --rule 'rcpt match=cut@* drop'
first=$smtpd_port
cat >"$config" <<-END
	aliases = none
	status_subject = yes
	origin = x.test
	sender_rate = "1000/h"
	relay one { host = "127.0.0.1:$first" tls = none
	    rate = {"20/s", "1000/h"} }
	relay away { host = "127.0.0.1:1" tls = none }
	relay slow { host = "127.0.0.1:$first" tls = none rate = "1/h" }
	relay torn { host = "127.0.0.1:$first" tls = none }
	route { recipient = "@away.test" relay = away }
	route { recipient = "cut@y.test" relay = torn }
	route { recipient = "@slow.test" relay = slow }
	lane urgent { priority = urgent }
END

letter() { # SUBJECT SENDER RCPT…
	local subject=$1 sender=$2
	shift 2
	printf 'Subject: %b\n\nsmall\n' "$subject" | sm -i -f "$sender" -- "$@"
}

start_spoold
letter 'plain' a@x.test good@y.test
letter 'caf\xc3\xa9 \x1b[31m "red" \\\\ \xff' a@x.test later@y.test \
    never@y.test good@y.test
letter 'in two\n lines' b@x.test later@y.test
letter 'nowhere' b@x.test r@away.test
letter 'one an hour' b@x.test r1@slow.test
letter 'one more an hour' b@x.test r2@slow.test
letter 'cut' '' cut@y.test
printf 'no header\n' >"$spool/"$'raw\e[31m\x7f\n'
printf 'Priority: urgent\nSubject: u\n\nx\n' | sm -i -f u@x.test later@y.test
ok "some is deferred" wait_for 20 has_events 3 deferred
ok "some is refused and reported" wait_for 20 has_events 1 reported
ok "mail is delivered, the report too" wait_for 20 has_events 4 delivered
ok "a relay is down" wait_for 20 has_events 1 relay-down
ok "a file with a wild name is set aside" wait_for 20 has_events 1 damaged
snapshot || fail "a snapshot on SIGUSR1"
valid "while it is busy"
is "$(jq -rs 'map(.event) | index("admitted") != null' \
    "$spool/.journal.jsonl")" true "jq reads the journal"
is "$(wc -l <"$status")" "$(($(status '.messages | length') + 2))" \
    "a message is a line of the status"

# ---- what it says ------------------------------------------------------

is "$(status '.daemon.pid')" "$spoold_pid" "the daemon's pid"
is "$(status '.daemon.config')" "$config" "its configuration's path"
becomes '.totals.bounced' 1 "a report is counted as a bounce"
becomes '[.minutes[].delivered] | add == '"$(events delivered)" true \
    "the minutes have what was delivered"
becomes '[.hours[].failed] | add' "$(events failed)" "the hours what failed"
is "$(status '[.minutes[] | select(.delivered > 0) | .latency >= 0] | all')" \
    true "with how long it took"

relay() { # NAME EXPRESSION
	status ".relays[] | select(.name == \"$1\") | $2"
}
becomes '.relays[] | select(.name == "away") | .state' down \
    "the relay that is away is down"
like "$(relay away '.reason, .error')" refused "why is told"
like "$(relay away .next)" '^[0-9]+\.' "and when it is tried again"
like "$(relay one '.error')" '^451 4\.2\.0 busy .*|^550' \
    "a relay's last error is told"
is "$(relay one '.delivered > 0 and .latency > 0 and .error_time > 0')" true \
    "when it took something last, and how long that takes"
is "$(relay slow '.limits[0] | "\(.limit) \(.used) \(.left)"')" "1/h 1 0" \
    "how much of a limit is used up"
is "$(relay slow '.rate_until > now')" true "until when it lets nothing through"

message() { # RECIPIENT EXPRESSION
	status ".messages[] | select(any(.rcpts[]; .rcpt == \"$1\")) | $2"
}
# Unless it is being tried just then.
becomes '.messages[] | select(any(.rcpts[]; .rcpt == "r@away.test"))
    | "\(.relay) \(.waits)"' "away circuit" \
    "what waits for a relay in trouble"
is "$(message r2@slow.test '"\(.relay) \(.waits)"')" "slow rate" \
    "what waits for a limit"
is "$(message r2@slow.test '.until == '"$(relay slow .rate_until)")" true \
    "until when"
is "$(message never@y.test '.waits, .until > now')" "backoff
true" "what waits after an attempt"
is "$(message never@y.test '.rcpts | map(.state) | join(" ")')" \
    "pending reported delivered" "and who of it has it"
like "$(message never@y.test '.rcpts[0].reply')" 'x1B\[31m "q" é' \
    "what the relay said, without its escapes"

# ---- subjects ----------------------------------------------------------

is "$(message r@away.test .subject)" nowhere "a subject, if it is wanted"
is "$(message never@y.test .subject)" 'café \x1B[31m "red" \\ \xFF' \
    "made harmless"
is "$(jq -r 'select(.event == "admitted" and .subject != null) | .subject' \
    "$spool/.journal.jsonl" | grep -c 'in two lines')" 1 \
    "unfolded, and in the journal"

# ---- operators ---------------------------------------------------------

# told COMMAND…: spoolq does it, if need be when it is not being tried any more
told() {
	wait_for 10 _told "$@" ||
	    { fail "spoolq $1 works"; diag "$(<"$dir/spoolq.log")"; }
}

_told() {
	spoolq "$@" >"$dir/spoolq.log" 2>&1 </dev/null
}

id=$(message r@away.test .id)
told hold "$id"
becomes '.messages[] | select(.state == "hold") | .waits' hold \
    "what is held says so"
told release "$id"
told pause
becomes '.daemon.paused | has("since") and has("by")' true \
    "a pause is told of"
becomes '[.messages[].waits] | unique | join(" ")' paused \
    "all wait for its end"
told pause --relay slow
becomes '.relays[] | select(.name == "slow") | has("paused")' true \
    "a relay's too"
told resume
told reroute --yes --relay slow "$id"
becomes '.messages[] | select(.id == "'"$id"'")
    | "\(.reroute) \(.relay) \(.waits)"' "slow slow rate" \
    "a message that was sent another way"
told retry --yes "$id"
told drop --yes "$id"
becomes '.totals.dropped' 1 "what is dropped is counted"
becomes '[.minutes[].dropped] | add' 1 "in its minute, too"
id=$(message cut@y.test .id)
told drop --yes "$id"
valid "after an operator came by"
ok "spoold stops" stop_spoold
valid "after the end"
is "$(status .daemon.pid)" 0 "the status says that it ended"

# ---- over a restart ----------------------------------------------------

minutes=$(status '[.hours[].delivered] | add')
tries=$(message never@y.test '.rcpts[0].tries')
sed -i 's/status_subject = yes/status_subject = no/' "$config"
start_spoold
becomes '.daemon.pid' "$spoold_pid" "another one writes"
is "$(status .totals.delivered)" 0 "its totals begin anew"
is "$(status '[.hours[].delivered] | add >= '"$minutes")" true \
    "the hours go on"
is "$(message never@y.test .subject)" 'café \x1B[31m "red" \\ \xFF' \
    "what was known stays known"
known=$(events admitted)
letter 'secret' a@x.test later@y.test
ok "another message is known" wait_for 10 has_events $((known + 1)) admitted
becomes '[.messages[] | select(.subject == "secret")] | length' 0 \
    "no subject is read that nobody wants"
is "$(grep -c secret "$spool/.journal.jsonl")" 0 "nor journalled"
ok "spoold stops" stop_spoold

# The version before wrote less: nothing of what it knew is lost.
python3 - "$status" <<'END'
import json, sys
old = {
    "": "version seq time daemon totals relays senders",
    "daemon": "version pid start config relay",
    "totals": "admitted delivered deferred failed dropped bytes",
    "relay": "name state since next reason rate",
    "message": "id state arrival size uid sender seen attempt expires "
    "not_before lane report warned untold rcpts",
}
def cut(thing, which):
    return {k: v for k, v in thing.items() if k in old[which].split()}
with open(sys.argv[1]) as file:
    whole = json.load(file)
head = cut(whole, "")
head["daemon"] = cut(head["daemon"], "daemon")
head["totals"] = cut(head["totals"], "totals")
head["relays"] = [cut(relay, "relay") for relay in head["relays"]]
lines = [json.dumps(cut(message, "message"), ensure_ascii=False)
         for message in whole["messages"]]
with open(sys.argv[1], "w") as file:
    file.write(json.dumps(head)[:-1] + ',"messages":[\n')
    file.write(",\n".join(lines) + "\n]}\n")
END
start_spoold
becomes '.messages[] | select(any(.rcpts[]; .rcpt == "never@y.test"))
    | .rcpts[0].tries >= '"$tries" true \
    "a status of the version before is understood"
is "$(message never@y.test '.rcpts[1].state')" reported "to the recipient"
unlike "$(<"$spoold_log")" damaged "and none was damaged"
valid "after an upgrade"
ok "spoold stops" stop_spoold
stop_smtpd || fail "smtpd ends"
done_testing
