noinst_LIBRARIES += libspool.a
libspool_a_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS) \
	$(CONFUSE_CFLAGS)
libspool_a_SOURCES = \
	%D%/address.c %D%/address-put.c %D%/address.h \
	%D%/aliases.c %D%/aliases.h \
	%D%/conf.c %D%/conf-check.c %D%/conf-identity.c %D%/conf-keys.c \
	%D%/conf-parse.c %D%/conf-queue.c %D%/conf-relay.c %D%/conf-route.c \
	%D%/conf-scan.c %D%/conf-section.c %D%/conf-text.c \
	%D%/conf-value.c %D%/conf-whole.c \
	%D%/conf-value.h %D%/conf.h \
	%D%/crc32.c %D%/crc32.h \
	%D%/credential.c %D%/credential.h \
	%D%/date.c %D%/date.h \
	%D%/envelope.c %D%/envelope-read.c %D%/envelope.h \
	%D%/event.c %D%/event-text.c %D%/event.h \
	%D%/expansion.c %D%/expansion.h \
	%D%/fnv.h %D%/fold.c %D%/fold.h \
	%D%/fsutil.c %D%/fsutil.h \
	%D%/generic.c %D%/generic.h \
	%D%/header.c %D%/header.h \
	%D%/history.c %D%/history.h \
	%D%/identity.c %D%/identity.h \
	%D%/json-in.c %D%/json-in.h \
	%D%/json-out.c %D%/json-out.h \
	%D%/json-scan.c %D%/json-scan.h \
	%D%/indexes.c %D%/indexes.h \
	%D%/journal.c %D%/journal.h \
	%D%/log.c %D%/log.h \
	%D%/mapfile.c %D%/mapfile.h \
	%D%/queue.c %D%/queue-apply.c %D%/queue-message.c \
	%D%/queue-count.c %D%/queue-rates.c %D%/queue-steer.c \
	%D%/queue-ids.c %D%/queue-ids.h %D%/queue-work.h %D%/queue.h \
	%D%/rate.c %D%/rate-text.c %D%/rate.h \
	%D%/routes.c %D%/routes-graph.c %D%/routes.h \
	%D%/scan.c %D%/scan.h \
	%D%/span.h \
	%D%/stats.c %D%/stats.h \
	%D%/spool.c %D%/spool-aside.c %D%/draft.c %D%/qfile.c %D%/spool-note.c %D%/spool.h \
	%D%/strpool.c %D%/strpool.h \
	%D%/status.c %D%/status-head.c %D%/status-read.c %D%/status-read-head.c %D%/status-stream.c %D%/status-stream.h \
	%D%/status-work.h %D%/status.h \
	%D%/lines.c %D%/lines.h \
	%D%/submit.c %D%/submit-address.c %D%/submit-header.c \
	%D%/submit-wishes.c %D%/submit-work.h %D%/submit.h \
	%D%/text.c %D%/text.h \
	%D%/turns.c %D%/turns.h \
	%D%/utf8.c %D%/utf8.h \
	%D%/when.c %D%/when.h \
	%D%/why.c %D%/why.h \
	%D%/wire.c %D%/wire.h
