# shellcheck shell=bash disable=SC2154,SC2034 # variables shared with lib.sh, tests
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Drives spoold-smtp by hand, as spoold does (spoold/agent-protocol.h), so that
# a test sees exactly what a relay's settings lead to.  To be sourced after
# lib.sh.

agent_out=$dir/agent.out
agent_log=$dir/agent.log
agent_pid=

# _wire VALUE: a field as lib/wire.h has it
_wire() {
	local i char out=
	for ((i = 0; i < ${#1}; i++)); do
		char=${1:i:1}
		case $char in
		[!%\<[:space:]]) out+=$char ;;
		*) printf -v char '%%%02X' "'$char"
			out+=$char ;;
		esac
	done
	printf '%s' "${out:-<>}"
}

# agent_says LINE...: to the agent, which may be gone
agent_says() {
	(printf '%s\n' "$*" >&"$_agent_in") 2>/dev/null
}

# start_agent KEY=VALUE...: ready to deliver when it returns 0
start_agent() {
	local setting
	: >"$agent_out"
	rm -f "$dir/.agent"
	mkfifo "$dir/.agent"
	(cd "$spool" && exec "$builddir/spoold/smtp/spoold-smtp") \
	    <"$dir/.agent" >"$agent_out" 2>>"$agent_log" &
	agent_pid=$!
	exec {_agent_in}>"$dir/.agent"
	agent_says set relay test
	for setting; do
		agent_says set "${setting%%=*}" "$(_wire "${setting#*=}")"
	done
	agent_says go
	wait_for 20 _agent_is_ready && ! is_gone "$agent_pid"
}

_agent_is_ready() {
	has_line "$agent_out" '^ready' || is_gone "$agent_pid"
}

# stop_agent: its exit status
stop_agent() {
	agent_says quit
	exec {_agent_in}>&-
	wait_for 20 is_gone "$agent_pid" || kill -KILL "$agent_pid"
	wait "$agent_pid"
}

# enqueue: a message of its own in the queue; its name is in $id.  Nobody
# takes it out when it is delivered, as nobody listens to the agent but us.
enqueue() {
	local before
	before=$(ls "$spool/queue")
	send_simple a@x.test b@y.test || bail "sendmail fails"
	id=$(comm -13 <(printf '%s\n' "$before") <(ls "$spool/queue"))
}

# deliver: send a new message; afterwards $answer is the line that ends it:
# "done ID" or "back ID WHY REASON" (decoded)
deliver() {
	enqueue
	agent_says send "$id" '*'
	wait_for 20 has_line "$agent_out" "^(done|back|bad) $id" ||
	    fail "an end for $id"
	answer=$(grep -E "^(done|back|bad) $id" "$agent_out")
	answer=${answer//%/\\x}
	printf -v answer '%b' "$answer"
}

# delivers NAME: it does
delivers() {
	deliver
	like "$answer" "^done " "$1"
	like "$(grep "^rcpt $id" "$agent_out")" " delivered " "$1: delivered"
}

# in_trouble REGEX NAME [WHY]: the relay (or WHY, "login") is to blame, for that
# reason
in_trouble() {
	deliver
	like "$answer" "^back $id ${3:-relay} " "$2: ${3:-relay} trouble"
	like "$answer" "$1" "$2: the reason"
}

# server_of ID: by the agent's account
server_of() {
	sed -n "s/^start $1 \([^ ]*\).*/\1/p" "$agent_out"
}
