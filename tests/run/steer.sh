# shellcheck shell=bash disable=SC2154,SC2034 # variables of lib.sh and tests
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# For tests of what changes the queue.  To be sourced after lib.sh and queue.sh.

arrival=$(now)	# young ones: nobody gives up on them

# ask ARGS...: $out, $err, $status
ask() {
	out=$(spoolq "$@" 2>"$dir/err" </dev/null)
	status=$?
	err=$(<"$dir/err")
}

# put STATE ID SENDER RCPT...
put() {
	local state=$1 id=$2
	shift 2
	printf 'Subject: %s\n\nbody\n' "$id" | crlf |
	    put_message "$spool/$state" "$id" "$arrival" "$@"
}

# put_many N [STATE [M]]: messages M00 to MNN, of which the ids are in $ids, all
# alike
put_many() {
	local i id
	ids=()
	mkdir -p "$dir/many" "$dir/tmp"
	put ../many many many@x.test m@y.test
	for ((i = 0; i < $1; i++)); do
		printf -v id '%s%02X' "${3:-5A0000}" "$i"
		ids+=("$id")
		cp "$dir/many/many" "$dir/many/$id"
	done
	rm "$dir/many/many"
	mv "$dir/many"/* "$spool/${2:-queue}"
}

# fresh STATE RCPT...: a message of ann@x.test with an id of its own, $id, that
# spoold knows
fresh() {
	_fresh=$((${_fresh:-0} + 1))
	printf -v id '5E%06X' "$_fresh"
	put "$1" "$id" ann@x.test "${@:2}"
	wait_for 20 knows_all "$id" || fail "spoold sees $id"
}

# where ID: the state that its file is in
where() {
	(cd "$spool" && echo {queue,hold,failed}/"$1" | tr ' ' '\n' |
	    while read -r file; do [ ! -e "$file" ] || echo "${file%/*}"; done)
}

# picture: all names and what is in them, to be compared
picture() {
	(cd "$spool" && find . -type f ! -name .lock -printf '%p %i %s %T@\n' |
	    sort)
}

# knows_all ID...: the journal has all of them
knows_all() {
	local id
	for id; do
		cat "$spool"/.journal* 2>/dev/null |
		    grep -F '"admitted"' | grep -Fc "\"$id\"" >"$dir/known"
		[ "$(<"$dir/known")" -gt 0 ] || return 1
	done
}

# start_moody: a spoold whose relay "main" and "backup" answer as $dir/mood
# says: ok, busy, no (refused), mute, down.
start_moody() {
	mkdir -p "$dir/agent"
	cat >"$dir/agent/spoold-smtp" <<AGENT
#!/bin/bash
while read -r verb id places; do
	case \$verb in
	set)
		[ "\$id" != relay ] || relay=\$places ;;
	go)
		echo ready ;;
	send)
		mood=\$(<"$dir/mood")
		[ "\$mood" != down ] || { echo "back \$id relay no%20route"
			continue; }
		echo "start \$id 192.0.2.1:25 -"
		case \$mood in
		mute) echo "\$id" >>"$dir/muted"
			continue ;;
		ok) word=delivered text=250%20ok ;;
		no) word=failed text=550%205.1.1%20no%20such%20user ;;
		*) word=deferred text=450%204.2.0%20come%20back ;;
		esac
		rcpts=\$(grep -c '^rcpt ' "queue/\$id")
		for ((i = 0; i < rcpts; i++)); do
			echo "rcpt \$id \$i \$word 5 \$text"
		done
		echo "\$id \$relay \$word" >>"$dir/sent"
		echo "done \$id" ;;
	quit | abort)
		exit 0 ;;
	esac
done
AGENT
	chmod +x "$dir/agent/spoold-smtp"
	# What is put into hold/ is seen by a scan only.
	printf '%s\n' 'aliases = none' 'bounces = no' 'freq = 1s' \
	    'relay main { host = "192.0.2.1:25" tls = none }' \
	    'relay backup { host = "192.0.2.2:25" tls = none }' >"$config"
	SPOOLD_EXEC_PATH=$dir/agent:$builddir/spoold/maildir
	: >"$dir/sent"
	start_spoold "$@"
}
