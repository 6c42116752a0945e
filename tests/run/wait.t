#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail --wait: exit status and one line tell what became of the message,
# whatever happens to spoold and the message meanwhile.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
nobody=65534
printf 'Subject: test\n\nsmall\n' >"$dir/mail"
cat >"$dir/script" <<'EOS'
rcpt match=none* reply "550 5.1.1 no \x1b[2J such user"
rcpt match=busy* reply "450 4.2.0 come back later"
data match=dumb@* reply "554 5.5.0 no data from you"
dot  match=spam@* reply "554 5.6.0 spam"
EOS

# waits ARGS...: sendmail with --wait; $status, $said, $took (milliseconds)
waits() {
	local begun
	begun=$(now)
	said=$(sm -i "$@" <"$dir/mail" 2>&1)
	status=$?
	took=$((($(now) - begun) / 1000))
}

# wait_behind NAME ARGS...: the same in the background; $waiting
wait_behind() {
	local name=$1
	shift
	"$SENDMAIL" -C "$config" --spool "$spool" -i "$@" <"$dir/mail" \
	    >"$dir/$name.said" 2>&1 &
	waiting=$!
}

# ended NAME: its status and what it said; it must have ended by itself
ended() {
	wait_for 20 is_gone "$waiting"
	wait "$waiting"
	status=$?
	said=$(<"$dir/$1.said")
}

has_queued() { # N
	[ "$(queued)" -ge "$1" ]
}

quietly() {
	"$@" >"$dir/out" 2>&1
}

the_id() {
	find "$spool/queue" -type f -printf '%f\n' | head -n 1
}

id='[0-9A-F]{10}'

# ---- no spoold ---------------------------------------------------------

waits --wait=20s a@y.test
is "$status" 75 "no spoold: 75"
like "$said" "^sendmail: queued as $id; nobody can say when it is delivered: \
spoold is not running; it stays in the queue\$" "one line says so"
at_most "$took" 10000 "at once, in milliseconds"
is "$(queued)" 1 "and the message is queued"
waits --wait a@y.test
is "$status" 75 "no spoold, no limit: 75 all the same"
mkfifo "$spool/.control"
waits --wait=1s a@y.test
is "$status" 75 "something else in the socket's place: 75"
rm -f "$spool"/queue/* "$spool/.control"
waits --wait=1s 'a@y.test <b'
is "$status|$(queued)" "65|0" "what is not queued is not waited for"

# ---- the relay's answer ------------------------------------------------

start_smtpd --script "$dir/script"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

waits --wait a@y.test b@y.test
is "$status|$said" "0|" "accepted: 0, in silence"
is "$(count_messages)" 1 "the relay has it"
waits --wait=20s -t a@y.test
is "$status|$said" "0|" "with a limit"
waits --wait none@y.test
is "$status" 69 "a recipient refused: 69"
like "$said" "^sendmail: queued as $id; refused: <none@y.test>: 550 5\\.1\\.1 \
no \\\\x1B\\[2J such user\$" "one line, harmless, has recipient and reply"
waits --wait a@y.test none1@y.test b@y.test none2@y.test
is "$status" 69 "one of several refused: 69"
like "$said" "<none1@y.test>: 550 .* \\(and 1 other\\)\$" "and the others are \
counted"
waits --wait -f spam@x.test a@y.test
is "$status" 69 "refused after the data: 69"
like "$said" "<a@y.test>: 554 5\\.6\\.0 spam\$" "with that reply"
waits --wait -f dumb@x.test a@y.test
is "$status" 69 "refused at DATA: 69"
is "$(queued) $(queued failed)" "0 4" "what was refused is kept"

# Long enough for an answer.
waits --wait=5s busy@y.test
is "$status" 75 "deferred until the time is over: 75"
like "$said" "^sendmail: queued as $id; not delivered within 5s: <[^>]*>: 450 4\\.2\\.0 \
come back later; it stays in the queue\$" "one line says why"
ok "after the time, not before ($took ms)" [ "$took" -ge 4950 ]
at_most "$took" 12000 "and not long after it"
is "$(queued)" 1 "the message is in the queue"
waits --wait=5s busy@y.test none@y.test
like "$said" "not delivered within 5s: <busy@y.test>: 450 .*; refused: \
<none@y.test>: 550 .*; it stays" "who waits and who was refused"
mapfile -t left < <(find "$spool/queue" -type f -printf '%f\n')
ok "what is left is dropped" quietly spoolq drop "${left[@]}"
is "$(queued)" 0 "and the queue is empty"
rm -f "$spool"/failed/*

# ---- an operator -------------------------------------------------------

wait_behind dropped --wait -f d@x.test busy@y.test
ok "it is queued" wait_for 10 has_queued 1
busy=$(the_id)
ok "and tried" wait_for 10 has_line "$spool/.journal.jsonl" \
    "\"deferred\",\"id\":\"$busy\""
ok "an operator drops it" wait_for 10 quietly spoolq drop "$busy"
ended dropped
is "$status|$said" "69|sendmail: queued as $busy; dropped by an operator" \
    "dropped: 69"

wait_behind held --wait -f h@x.test busy@y.test
ok "another is queued" wait_for 10 has_queued 1
busy=$(the_id)
ok "and tried too" wait_for 10 has_line "$spool/.journal.jsonl" \
    "\"deferred\",\"id\":\"$busy\""
ok "an operator holds it" wait_for 10 quietly spoolq hold "$busy"
ended held
is "$status" 75 "held: 75"
is "$said" "sendmail: queued as $busy; held by an operator; it stays there \
until it is released" "which it says"
quietly spoolq drop "$busy"

# ---- spoold ends, and comes again --------------------------------------

# The server answers no data before $dir/go is there.
restart_smtpd --rule "dot wait-file \"$dir/go\"" >"$dir/restart.out"
for how in kill_spoold stop_spoold; do
	rm -f "$dir/go"
	wait_behind again --wait=60s a@y.test
	ok "$how: it is queued" wait_for 10 has_queued 1
	ok "$how: and being sent" wait_for 10 eval \
	    '[ "$(spoolq mailq 2>/dev/null | grep -c "^[0-9A-F]*\*")" = 1 ]'
	"$how"
	ok "$how: sendmail goes on waiting" eval '! is_gone "$waiting"'
	touch "$dir/go"
	start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
	# Where the connection broke late, the second try is put off.
	ok "$how: it ends" flushing 30 is_gone "$waiting"
	ended again
	is "$status|$said" "0|" "$how: it learns that it is delivered"
done

# Delivered while nobody was there to be told: the next spoold knows.
wait_behind late --wait=60s late@y.test
ended late
is "$status|$said" "0|" "delivered"
late=$(sed -n 's/.*"event":"removed","id":"\([^"]*\)".*/\1/p' \
    "$spool/.journal.jsonl" | tail -n 1)
kill_spoold
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

# ask N LINE...: what spoold answers on one connection: N lines, or fewer if it
# closes.  "@FILE" sends no line: it shows an answer, then waits for that file.
ask() {
	perl -MIO::Socket::UNIX -e '
		my ($path, $lines) = splice @ARGV, 0, 2;
		my $s = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";
		$SIG{ALRM} = sub { print "and no more for 20 s\n"; exit 1 };
		$SIG{PIPE} = "IGNORE";
		$| = 1;
		alarm 20;
		for my $line (@ARGV) {
			if ($line !~ s/^@//) {
				$s->syswrite("$line\n");
				next;
			}
			print scalar <$s>;
			$lines--;
			select undef, undef, undef, 0.02 until -e $line;
		}
		while ($lines-- > 0 && defined(my $line = <$s>)) {
			print $line;
		}
	' "$spool/.control" "$@"
}

is "$(ask 1 "wait $late")" "accepted $late by%20the%20relay" \
    "after a crash, what was delivered before it is known"
waits --wait=20s cut@y.test
is "$status|$said" "0|" "another is delivered"
kill_spoold
cut=$(sed -n '$s/.*"event":"removed","id":"\([^"]*\)".*/\1/p' \
    "$spool/.journal.jsonl")
like "$cut" "^$id\$" "its removal is the last thing in the journal"
# As if the crash had come between the removal and this line.
sed -i '$d' "$spool/.journal.jsonl"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
is "$(ask 1 "wait $cut")" "accepted $cut by%20the%20relay" \
    "after a crash behind its removal, what was delivered is known, too"
is "$(grep -c "\"event\":\"gone\",\"id\":\"$cut\"" \
    "$spool/.journal.jsonl")" 0 "and is not missed"
is "$(ask 1 "wait 3286A1B2C3")" "error 3286A1B2C3 is%20not%20known" \
    "what never was is not"
is "$(ask 4 "expect 0" "expect x" "wait x" "why x")" \
    "error * is%20no%20time
error * is%20no%20time
error * is%20no%20id
error * is%20no%20id" "nonsense is refused"
is "$(ask 1 "wait")" "" "half a command ends the connection"
is "$(ask 2 "expect 1" "flush")" "ok * expected" "who waits does not command"
# crowd: PATH N [M]: N who want to wait, how many may and may not; they stay, or
# go at once and M others come in their place
# shellcheck disable=SC2016
crowd='
	use IO::Socket::UNIX;
	my ($path, @counts) = @ARGV;
	$SIG{PIPE} = "IGNORE";
	$| = 1;
	my @all;
	for my $count (@counts) {
		my ($in, $full) = (0, 0);
		@all = ();
		# All come before anyone speaks.
		push @all, IO::Socket::UNIX->new(Peer => $path) for 1 .. $count;
		for my $s (@all) {
			$s->syswrite("expect 7\n");
			my $answer = <$s> // "";
			if ($answer =~ /^ok/) { $in++ } else { $full++ }
		}
		print "$in $full\n";
	}
	sleep 60 if @counts == 1;
'
mapfile -t many < <(for _ in {1..20}; do echo "why 3286A1B2C3"; done)
is "$(ask 17 "${many[@]}" | wc -l)" 16 "questions are counted"

# ---- spoold is ending --------------------------------------------------

is_ending() {
	[ "$(count_log 'stopping: SIGTERM$' "$spoold_log")" -gt "$ends" ]
}
# It waits for three seconds.  If the machine stood still, once more.
for _ in 1 2 3; do
	rm -f "$dir/go"
	send_simple a@x.test slow@y.test
	ok "something keeps spoold from ending at once" wait_for 10 eval \
	    '[ "$(spoolq mailq 2>/dev/null | grep -c "^[0-9A-F]*\*")" = 1 ]'
	ends=$(count_log 'stopping: SIGTERM$' "$spoold_log")
	kill -TERM "$spoold_pid"
	ok "it is about to end" wait_for 10 is_ending
	slow=$(the_id)
	send_simple a@x.test unseen@y.test
	unseen=$(find "$spool/queue" -type f ! -name "$slow" -printf '%f\n')
	answers="$(ask 1 "wait $unseen")|$(ask 1 "why $unseen")"
	is_gone "$spoold_pid" || break
	touch "$dir/go"
	wait "$spoold_pid"
	start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
	flushing 30 queue_has 0
done
is "$answers" "|" "what it has not looked at it does not deny"
ok "it had not ended then" eval '! is_gone "$spoold_pid"'
touch "$dir/go"
ok "it ends" stop_spoold
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
like "$(ask 1 "wait $unseen")" "^(ok $unseen waiting|accepted $unseen .*)\$" \
    "the next one knows"
ok "and delivers all" flushing 20 queue_has 0

# ---- others ------------------------------------------------------------

if [ "$(id -u)" -ne 0 ]; then
	skip "another user" "not root"
else
	rm -f "$dir/go"
	wait_behind mine --wait=60s a@y.test
	ok "a message of root's is queued" wait_for 10 has_queued 1
	mine=$(the_id)
	chmod 711 "$dir" "$spool"
	chmod 777 "$spool/.control"
	as_nobody() {
		setpriv --reuid "$nobody" --regid "$nobody" --clear-groups "$@"
	}
	export -f ask
	foreign() {
		# shellcheck disable=SC2016 # it is for the other shell
		spool=$spool as_nobody bash -c 'ask "$@"' ask "$@"
	}
	is "$(foreign 1 "wait $mine")" "error $mine is%20not%20known" \
	    "a foreign message in the queue is not known"
	is "$(foreign 1 "why $mine")" "error $mine is%20not%20known" \
	    "nor why it waits"
	is "$(foreign 1 "wait $late")" "error $late is%20not%20known" \
	    "nor one that was delivered"
	is "$(foreign 1 "flush")" "error * not%20permitted" \
	    "and nothing can be commanded"
	is "$(foreign 1 "drop $mine")" "error $mine is%20not%20in%20the%20spool" \
	    "to drop a foreign one is to drop none"
	arrival=$(sed -n 's/^arrival //p' "$spool/queue/$mine")
	foreign 2 "expect $arrival" "@$dir/told" "why 3286A1B2C3" \
	    >"$dir/foreign.out" &
	spy=$!
	ok "somebody else expects the same time" wait_for 5 \
	    has_line "$dir/foreign.out" expected
	touch "$dir/go"
	ended mine
	is "$status|$said" "0|" "root's is delivered"
	# Whatever came to the spy came before the answer to this.
	touch "$dir/told"
	wait "$spy"
	is "$(<"$dir/foreign.out")" "ok * expected
error 3286A1B2C3 is%20not%20known" "and only root is told"

	# A crowd: no more than its share, and everybody else is served.
	# Not by way of a function: it is to be killed.
	setpriv --reuid "$nobody" --regid "$nobody" --clear-groups \
	    perl -e "$crowd" "$spool/.control" 200 >"$dir/crowd.out" &
	crowding=$!
	ok "two hundred want to wait" wait_for 10 has_line "$dir/crowd.out" .
	is "$(<"$dir/crowd.out")" "64 136" "sixty-four may"
	ok "spoolq is served all the same" quietly spoolq flush
	waits --wait=20s a@y.test
	is "$status|$said" "0|" "and another user waits in peace"
	kill "$crowding"
	wait "$crowding" 2>/dev/null
	is "$(as_nobody perl -e "$crowd" "$spool/.control" 64 40)" "64 0
40 0" "when they have gone there is room at once"
fi

# ---- many of the operator's own ----------------------------------------

perl -e "$crowd" "$spool/.control" 80 >"$dir/own.out" &
crowding=$!
ok "eighty of the operator's want to wait" wait_for 10 \
    has_line "$dir/own.out" .
is "$(<"$dir/own.out")" "64 16" "sixty-four of them may"
ok "spoolq is served" quietly spoolq flush
kill "$crowding"
wait "$crowding" 2>/dev/null
is "$(perl -e "$crowd" "$spool/.control" 64 40)" "64 0
40 0" "when they have gone there is room at once"

# ---- who submitted it --------------------------------------------------

# submitted_by UID: a message in queue/, of this user's, that says it is UID's;
# its id
submitted_by() {
	sm -i -f s@x.test "u$1@y.test" <"$dir/mail"
	python3 - "$spool/queue/$(the_id)" "$1" <<'PY'
import re, sys, zlib
path, uid = sys.argv[1:]
file = open(path, "rb").read()
first, rest = file[:40], file[40:]
envelope, message = rest.split(b"\n\n", 1)
envelope = re.sub(rb"(?m)^uid \d+$", b"uid " + uid.encode(), envelope)
rest = envelope + b"\n\n" + message
open(path, "r+b").write(b"spoold/1 %08d %012d %08x\n" %
    (len(envelope) + 2, len(message), zlib.crc32(rest)) + rest)
PY
	the_id
}

admitted_uid() { # ID
	sed -n "/\"event\":\"admitted\",\"id\":\"$1\"/s/.*\"uid\":\([0-9]*\).*/\1/p" \
	    "$spool"/.journal*
}

ok "spoold makes way" stop_spoold
theirs=$(submitted_by "$nobody")
start_spoold
ok "what the spool's owner says is another's" wait_for 10 \
    has_line "$spoold_log" "id=$theirs .*uid=$nobody"
is "$(admitted_uid "$theirs")" "$nobody" "is that one's in the journal"
if [ "$(id -u)" -eq 0 ]; then
	chmod 777 "$spool/.control"
	is "$(foreign 1 "wait $theirs")" "ok $theirs waiting" \
	    "who may wait for it"
	stop_spoold
	rm -f "$spool"/queue/*
	claimed=$(submitted_by 0)
	chown "$nobody" "$spool/queue/$claimed"
	start_spoold
	ok "what another one says is root's" wait_for 10 \
	    has_line "$spoold_log" "id=$claimed .*uid=$nobody"
	is "$(admitted_uid "$claimed")" "$nobody" "is his own"
fi

ok "spoold ends in order" stop_spoold
done_testing
