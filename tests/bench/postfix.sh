# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
# shellcheck shell=bash disable=SC2034,SC2154
#
# An instance of Postfix for bench.sh, with configuration, queue and data of its
# own below $dir; the system's is not touched.  Needs root, for its processes
# change users.
#
# It is measured at its best: its deferred queue flushed, for the messages lie on
# the disk and no submission is going on.  They come in by smtp-source while
# smtp(8) is told to defer all (defer_transports); then Postfix is started anew
# without that, and "postqueue -f" begins the measurement.  All else is as it
# comes, but for the number of connections where that is given.

postfix_can_run() {
	if [ "$(id -u)" -ne 0 ] || ! id postfix >/dev/null 2>&1 ||
	    ! command -v postfix >/dev/null ||
	    ! command -v smtp-source >/dev/null; then
		echo "bench: Postfix is left out: it takes root and Debian's" \
		    "package postfix" >&2
		return 1
	fi
}

# postfix_configure CONNECTIONS [SETTING]...; CONNECTIONS empty: as it comes
postfix_configure() {
	local connections=$1
	shift
	cat >"$dir/postfix/main.cf" <<-EOM
	compatibility_level = 3.6
	queue_directory = $dir/pqueue
	data_directory = $dir/pdata
	myhostname = postfix.test
	mydestination =
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	mynetworks = 127.0.0.0/8
	maillog_file = $dir/postfix.log
	maillog_file_prefixes = $dir
	alias_maps =
	alias_database =
	local_transport = error:none
	relayhost = [127.0.0.1]:$port
	EOM
	[ -z "$connections" ] || cat >>"$dir/postfix/main.cf" <<-EOM
	default_process_limit = $((connections + 50))
	default_destination_concurrency_limit = $connections
	initial_destination_concurrency = $connections
	EOM
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$dir/postfix/main.cf"
}

postfix_prepare() {
	rm -rf "$dir/postfix" "$dir/pqueue" "$dir/pdata"
	mkdir "$dir/postfix" "$dir/pqueue" "$dir/pdata"
	chmod 755 "$dir" "$dir/postfix" "$dir/pqueue"
	chown postfix "$dir/pdata"
	postfix_port=$(free_port)
	cat >"$dir/postfix/master.cf" <<-EOM
	127.0.0.1:$postfix_port inet n - n - - smtpd
	postlog   unix-dgram n  -  n  -  1  postlogd
	pickup    unix  n  -  n  60  1  pickup
	cleanup   unix  n  -  n  -  0  cleanup
	qmgr      unix  n  -  n  300  1  qmgr
	rewrite   unix  -  -  n  -  -  trivial-rewrite
	bounce    unix  -  -  n  -  0  bounce
	defer     unix  -  -  n  -  0  bounce
	trace     unix  -  -  n  -  0  bounce
	verify    unix  -  -  n  -  1  verify
	flush     unix  n  -  n  1000?  0  flush
	proxymap  unix  -  -  n  -  -  proxymap
	smtp      unix  -  -  n  -  -  smtp
	relay     unix  -  -  n  -  -  smtp
	error     unix  -  -  n  -  -  error
	retry     unix  -  -  n  -  -  error
	anvil     unix  -  -  n  -  1  anvil
	scache    unix  -  -  n  -  1  scache
	showq     unix  n  -  n  -  -  showq
	EOM
}

postfix_start() {
	(umask 022 && exec postfix -c "$dir/postfix" start) \
	    >>"$dir/postfix.out" 2>&1 ||
		die "Postfix does not start: $(tail -n 2 "$dir/postfix.out")"
	postfix_master=$(tr -d ' ' <"$dir/pqueue/pid/master.pid")
}

postfix_stop() {
	postfix -c "$dir/postfix" stop >>"$dir/postfix.out" 2>&1
	postfix -c "$dir/postfix" abort >>"$dir/postfix.out" 2>&1
	postfix_master=
}

# How many messages are in these of its queues
postfix_count() { # QUEUE...
	(cd "$dir/pqueue" && find "$@" -type f | wc -l)
}

# postfix_fill COUNT BYTES: its deferred queue
postfix_fill() {
	local limit
	postfix_configure "" "defer_transports = smtp"
	postfix_start
	limit=$((SECONDS + 300))
	smtp-source -s 10 -m "$1" -l "$2" -f ann@x.test -t bob@y.test \
	    "127.0.0.1:$postfix_port" || die "smtp-source does not work"
	until [ "$(postfix_count deferred)" -ge "$1" ]; do
		[ "$SECONDS" -lt "$limit" ] || die "Postfix defers too slowly"
		sleep 0.2
	done
	postfix_stop
	sync -f "$dir"
}

# postfix_drain COUNT BYTES CONNECTIONS: sets $took_us and $memory, in KB
postfix_drain() {
	local start limit
	postfix_prepare
	start_sink "$delay_ms" "$1"
	postfix_fill "$1" "$2"
	postfix_configure "$3"
	postfix_start
	sleep 1		# until qmgr(8) is there
	memory=0 peak_spoold=0 peak_agent=0
	limit=$((SECONDS + 300))
	start=$(now)
	postqueue -c "$dir/postfix" -f || die "postqueue does not work"
	until [ "$(wc -l <"$dir/sink.says")" -ge 2 ]; do
		[ "$SECONDS" -lt "$limit" ] || die "Postfix does not deliver"
		note_memory "$postfix_master"
		sleep 0.1
	done
	took_us=$(($(sed -n 2p "$dir/sink.says") - start))
	stop_sink
	postfix_stop
}
