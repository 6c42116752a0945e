#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# doc/OUTCOMES.md, row by row: what spoold-smtp says of a message to two when
# the relay answers so, or not at all, in each phase.

TEST_TIMEOUT=180
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

agent=$builddir/spoold/smtp/spoold-smtp
make_spool
cd "$spool" || bail "no spool"
mkfifo "$dir/commands"

# Only where nobody answers it is waited for, and the shorter the more a slow
# machine looks like that.
reply_timeout=60

# start_agent SETTING...: ready for "send" on descriptor 9
start_agent() {
	: >"$dir/said"
	"$agent" <"$dir/commands" >"$dir/said" 2>>"$dir/agent.log" &
	agent_pid=$!
	exec 9>"$dir/commands"
	printf 'set %s\n' "host 127.0.0.1" "port $smtpd_port" "tls none" \
	    "connect_timeout 30" "reply_timeout $reply_timeout" "$@" >&9
	echo go >&9
	wait_for 20 has_line "$dir/said" '^ready$' || bail "no agent"
}

end_agent() {
	exec 9>&-
	wait_for 10 is_gone "$agent_pid" || kill -KILL "$agent_pid"
	wait "$agent_pid"
	is "$?" 0 "$1: the agent ends well"
}

# id_of N
id_of() {
	printf '3286A1B%03X' "$1"
}

# put N: from cN@x.test to aN@y.test and bN@y.test
put() {
	printf 'Subject: %s\n\nsmall\n' "$1" | crlf |
	    put_message queue "$(id_of "$1")" 1763770000123456 "c$1@x.test" \
	        "a$1@y.test" "b$1@y.test"
}

# said_of N: "deferred delivered done", "back-relay": its results by index
said_of() {
	grep -F " $(id_of "$1")" "$dir/said" | sort -s -k 1,1r -k 3,3n |
	    sed -En -e 's/^rcpt [^ ]+ [0-9]+ ([a-z]+) .*/\1/p' \
	        -e 's/^(done|bad).*/\1/p' -e 's/^back [^ ]+ ([a-z]+) .*/back-\1/p' |
	    paste -sd ' '
}

has_ended() {
	has_line "$dir/said" "^(done|back|bad) $(id_of "$1")"
}

# ---- from MAIL on: one server, each message with a rule of its own -----
#
# STAGE ACTIONS | WANT.  "rcpt" is about the first recipient, "rcpts" about
# both.

cases=(
	# MAIL
	'mail reply "421 4.3.2 bye"; drop|back-message'
	'mail drop|back-message'
	'mail rst|back-message'
	'mail mute|back-message'
	'mail raw "hello\r\n"|back-message'
	'mail reply "530 5.7.0 log in"|back-message'
	'mail reply "535 5.7.8 no"|back-message'
	'mail reply "454 4.7.0 login"|back-message'
	'mail reply "550 5.7.57 no anonymous mail"|back-message'
	'mail reply "550 5.7.1 Authentication required"|back-message'
	'mail reply "554 5.3.2 no mail here"|back-message'
	'mail reply "452 4.3.1 no space"|back-message'
	'mail reply "450 4.7.1 greylisted"|deferred deferred done'
	'mail reply "454 4.7.1 relaying denied"|deferred deferred done'
	'mail reply "452 wait"|deferred deferred done'
	'mail reply "552 5.3.4 too big"|failed failed done'
	'mail reply "550 5.7.1 not you"|failed failed done'
	# RCPT
	'rcpt reply "421 4.3.2 bye"; drop|lost lost done'
	'rcpt drop|lost lost done'
	'rcpt rst|lost lost done'
	'rcpt mute|lost lost done'
	'rcpt raw "hello\r\n"|lost lost done'
	'rcpt reply "530 5.7.0 log in"|lost delivered done'
	'rcpts reply "530 5.7.0 log in"|back-message'
	'rcpts reply "550 5.7.1 Authentication required"|back-message'
	'rcpt reply "550 5.7.1 Authentication required"|lost delivered done'
	'rcpts reply "450 4.3.2 not now"|back-message'
	'rcpt reply "452 4.3.1 no space"|lost delivered done'
	'rcpt reply "451 4.2.0 busy"|deferred delivered done'
	'rcpt reply "452 4.2.2 full"|deferred delivered done'
	'rcpt reply "552 5.2.2 full"|deferred delivered done'
	'rcpts reply "452 4.5.3 too many"|deferred deferred done'
	'rcpts reply "552 too many"|deferred deferred done'
	'rcpt reply "552 5.2.3 too large for it"|failed delivered done'
	'rcpt reply "550 5.1.1 no"|failed delivered done'
	'rcpt reply "554 5.7.1 relaying denied"|failed delivered done'
	# DATA
	'data reply "421 4.3.2 bye"; drop|lost lost done'
	'data drop|lost lost done'
	'data rst|lost lost done'
	'data mute|lost lost done'
	'data raw "hello\r\n"|lost lost done'
	'data reply "530 5.7.0 log in"|lost lost done'
	'data reply "451 4.3.2 not now"|lost lost done'
	'data reply "550 5.7.8 log in"|lost lost done'
	'data reply "451 4.3.0 wait"|deferred deferred done'
	'data reply "554 5.6.0 no"|failed failed done'
	# after it, for all of a small message leaves together with its dot
	'data mid-data-drop 20|uncertain uncertain done'
	'data mid-data-rst 20|uncertain uncertain done'
	'dot drop|uncertain uncertain done'
	'dot store; drop|uncertain uncertain done'
	'dot rst|uncertain uncertain done'
	'dot mute|uncertain uncertain done'
	'dot raw "hello\r\n"|uncertain uncertain done'
	'dot drop-after "25"|uncertain uncertain done'
	'dot reply "421 4.3.2 bye"; drop|lost lost done'
	'dot reply "530 5.7.0 log in"|lost lost done'
	'dot reply "550 5.7.8 log in"|lost lost done'
	'dot reply "451 4.3.2 not now"|lost lost done'
	'dot reply "451 4.3.0 wait"|deferred deferred done'
	'dot reply "552 5.3.4 too big"|failed failed done'
	'dot reply "550 5.7.1 authentication required"|failed failed done'
	'dot reply "250"|delivered delivered done'
)

quick=() mute=()
: >"$dir/script"
for n in "${!cases[@]}"; do
	rule=${cases[n]%|*}
	actions=${rule#* }
	case $rule in
	rcpts*)
		echo "rcpt match=[ab]$n@y.test $actions" ;;
	rcpt*)
		echo "rcpt match=a$n@y.test $actions" ;;
	*)
		echo "${rule%% *} match=c$n@x.test $actions" ;;
	esac >>"$dir/script"
	case $actions in
	mute) mute+=("$n") ;;
	*) quick+=("$n") ;;
	esac
	put "$n"
done
put 999

# rows NAME N...: these cases, and one without a rule
rows() {
	local name=$1 n
	shift
	start_agent "connections 4"
	for n in "$@" 999; do
		echo "send $(id_of "$n") *" >&9
	done
	for n in "$@"; do
		wait_for 30 has_ended "$n" || fail "$name: message $n ends"
		is "$(said_of "$n")" "${cases[n]##*|}" "$name: ${cases[n]%|*}"
	done
	ok "$name: one without a rule ends" wait_for 30 has_ended 999
	is "$(said_of 999)" "delivered delivered done" "$name: delivered"
	end_agent "$name"
}

# all_rows NAME SERVER-OPTION...: every case, in both ways of speaking
all_rows() {
	local name=$1
	shift
	smtpd_name=${name// /-} start_smtpd --script "$dir/script" "$@"
	rows "$name" "${quick[@]}"
	reply_timeout=3 rows "$name" "${mute[@]}"
	stop_smtpd || fail "$name: the server ends"
}

all_rows "one group"
all_rows "one by one" --without PIPELINING

# ---- behind a refused MAIL ---------------------------------------------
#
# Servers that go on as if nothing was: all of it is about nothing.

cat >"$dir/odd" <<'EOS'
mail match=c1@*    reply "550 5.7.1 not you"
mail match=c2@*    reply "450 4.7.1 later"
mail match=c3@*    reply "550 5.7.1 not you"
rcpt match=?1@*    reply "550 5.7.1 nor you"
rcpt match=?3@*    reply "503 5.5.1 MAIL first"
data match=        reply "354 go ahead"
dot  match=        reply "250 2.0.0 taken"
EOS
smtpd_name=odd start_smtpd --script "$dir/odd"
start_agent "connections 1"
for n in 1 2 3 999; do
	echo "send $(id_of "$n") *" >&9
done
ok "refused MAIL: the last one ends" wait_for 20 has_ended 999
is "$(said_of 1)" "failed failed done" "refused MAIL: its answer holds"
is "$(said_of 2)" "deferred deferred done" "refused MAIL: for each"
is "$(said_of 3)" "failed failed done" "refused MAIL: behind 503, too"
is "$(said_of 999)" "delivered delivered done" "refused MAIL: mail goes on"
is "$(count_messages)" 1 "refused MAIL: nothing else was taken"
like "$(grep "^rcpt $(id_of 1) 0" "$dir/said")" '550%205.7.1%20not%20you' \
    "refused MAIL: in the words that MAIL got"
end_agent "refused MAIL"
stop_smtpd || fail "the server ends"

# ---- round trips -------------------------------------------------------

# trips SERVER-OPTION...: what each of three messages took
trips() {
	local n
	smtpd_name=trips$# start_smtpd --reply-delay 20 "$@"
	start_agent "connections 1"
	for n in 997 998 999; do
		echo "send $(id_of "$n") *" >&9
	done
	ok "round trips: the last one ends" wait_for 20 has_ended 999
	end_agent "round trips"
	grep -h '^groups' "$smtpd_out"/*.env >"$dir/groups"
	stop_smtpd || fail "the server ends"
}

put 997
put 998
trips
is "$(uniq "$dir/groups")" "groups 2" "a message takes two round trips"
trips --without PIPELINING
is "$(uniq "$dir/groups")" "groups 5" "and five where they are not grouped"

# ---- a large message ---------------------------------------------------

# large NAME WANT ACTIONS
large() {
	smtpd_name=large start_smtpd --rule "data $3"
	start_agent "connections 1"
	echo "send $(id_of 996) *" >&9
	ok "content, $1: it ends" wait_for 20 has_ended 996
	is "$(said_of 996)" "$2" "content, $1: its results"
	end_agent "content, $1"
	stop_smtpd || fail "the server ends"
}

{
	printf 'Subject: large\n\n'
	head -c 20000000 /dev/zero | tr '\0' x | fold -w 70
	echo
} | crlf | put_message queue "$(id_of 996)" 1763770000123456 c@x.test \
    a@y.test b@y.test
large dropped "lost lost done" "mid-data-drop 500000"
large reset "lost lost done" "mid-data-rst 500000"
reply_timeout=3 large stalled "lost lost done" "mid-data-stall 500000"
large "refused early" "failed failed done" \
    'reply "354 go\r\n552 5.3.4 too big"; drop'
large "421" "lost lost done" 'reply "354 go\r\n421 4.3.2 bye"; drop'

# ---- the size ----------------------------------------------------------

smtpd_name=small start_smtpd --max-size 20
start_agent "connections 1"
echo "send $(id_of 999) *" >&9
ok "too big: it ends" wait_for 10 has_ended 999
is "$(said_of 999)" "failed failed done" "too big: it failed"
is "$(count_log 'C: MAIL')" 0 "too big: without being sent"
end_agent "too big"
stop_smtpd || fail "the server ends"

# ---- up to AUTH: the relay's trouble, whatever it says ------------------

echo secret >"$dir/password"
login=("user ann" "password_file $dir/password")

# opening NAME RULE SETTING...
opening() {
	local name=$1 rule=$2
	shift 2
	smtpd_name=opening start_smtpd --auth ann:secret --rule "$rule"
	start_agent "connections 1" "$@"
	echo "send $(id_of 999) *" >&9
	ok "$name: it ends" wait_for 20 has_ended 999
	is "$(said_of 999)" "back-${why:-relay}" "$name: it comes back untried"
	end_agent "$name"
	stop_smtpd || fail "$name: the server ends"
}

opening "greeting 421" 'connect reply "421 4.3.2 not now"; drop'
opening "greeting 554" 'connect reply "554 5.3.2 none"'
reply_timeout=3 opening "no greeting" 'connect mute'
opening "dropped" 'connect drop'
opening "no SMTP" 'connect raw "hello\r\n"'
opening "EHLO 550" 'ehlo reply "550 5.7.1 not you"'
opening "EHLO dropped" 'ehlo drop'
reply_timeout=3 opening "EHLO muted" 'ehlo mute'
opening "no STARTTLS" 'ehlo default' "tls starttls"
opening "STARTTLS 454" 'starttls reply "454 4.7.0 not now"' "tls starttls"
why=login opening "AUTH 535" 'authend reply "535 5.7.8 wrong"' "${login[@]}"
why=login opening "AUTH 454" 'authend reply "454 4.7.0 not now"' "${login[@]}"
opening "AUTH dropped" 'authend drop' "${login[@]}"
reply_timeout=3 opening "AUTH muted" 'authend mute' "${login[@]}"

start_smtpd
stop_smtpd
start_agent "connections 1"
echo "send $(id_of 999) *" >&9
ok "nobody there: it ends" wait_for 15 has_ended 999
is "$(said_of 999)" back-relay "nobody there: it comes back untried"
end_agent "nobody there"

done_testing
