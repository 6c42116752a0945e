#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# An id that comes again: what the journal says of the one before is not true
# of the message whose file is there now.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

make_spool
start_smtpd
same=3286A1B2C3 other=3286A1B2C4

# served ID SEQ: it was, but for its file's removal
served() {
	local head="\"time\":1763770001.000000"
	printf '%s\n' "{\"seq\":$2,$head,\"event\":\"admitted\",\"id\":\"$1\",\
\"arrival\":1763770000.123456,\"size\":20,\"uid\":0,\
\"sender\":\"ann@x.test\",\"rcpts\":[\"bob@y.test\"]}" \
	    "{\"seq\":$(($2 + 1)),$head,\"event\":\"attempt\",\"id\":\"$1\",\
\"relay\":\"default\"}" \
	    "{\"seq\":$(($2 + 2)),$head,\"event\":\"delivered\",\"id\":\"$1\",\
\"index\":0,\"rcpt\":\"bob@y.test\",\"relay\":\"default\",\
\"server\":\"192.0.2.1:25\",\"reply\":\"250 ok\",\"delay\":0.100000}"
}

{ served "$same" 1 && served "$other" 4; } >"$spool/.journal.jsonl"
printf 'Subject: same\n\nserved\n' | crlf |
    put_message "$spool/queue" "$same" 1763770000123456 ann@x.test bob@y.test
printf 'Subject: other\n\nnot yet\n' | crlf |
    put_message "$spool/queue" "$other" 1763770009000000 ann@x.test eve@y.test
start_spoold --tls none --relay "127.0.0.1:$smtpd_port"
ok "both files go" wait_for 20 queue_has 0
is "$(messages_to eve@y.test)" 1 "the one with another arrival was sent"
is "$(messages_to bob@y.test)" 0 "the one that was served was not"
is "$(queued failed)/$(queued hold)" 0/0 "nothing is set aside"
ok "spoold stops" stop_spoold
done_testing
