sbin_PROGRAMS += spoold/spoold
spoold_spoold_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS) \
	$(UV_CFLAGS) $(CONFUSE_CFLAGS)
spoold_spoold_LDADD = libspool.a $(UV_LIBS) $(JSONC_LIBS) $(CONFUSE_LIBS) \
	$(BSD_LIBS)
spoold_spoold_SOURCES = \
	%D%/addressees.c %D%/addressees.h \
	%D%/agent-protocol.c %D%/agent-protocol.h \
	%D%/agent.c %D%/agent-lines.c %D%/agent-send.c \
	%D%/agent-settings.c %D%/agent-settings.h \
	%D%/command.c \
	%D%/control.c %D%/control-room.c %D%/control-status.c \
	%D%/control-work.h \
	%D%/dispatch.c \
	%D%/loop.c \
	%D%/edit-read.c %D%/edit-read.h \
	%D%/edits.c %D%/edits.h %D%/edits-apply.c %D%/edits-base.c \
	%D%/edits-work.h \
	%D%/main.c \
	%D%/notify.c %D%/notify.h \
	%D%/options.c %D%/options.h \
	%D%/pause.c %D%/pause.h \
	%D%/raw.c %D%/raw.h %D%/raw-claim.c %D%/raw-convert.c \
	%D%/raw-look.c %D%/raw-name.c \
	%D%/record.c \
	%D%/recover.c \
	%D%/remove.c %D%/remove.h \
	%D%/relay.c \
	%D%/reload.c \
	%D%/report.c %D%/report.h %D%/report-original.c %D%/report-status.c \
	%D%/report-text.c %D%/report-words.c %D%/report-work.h \
	%D%/report-task.c %D%/report-task.h \
	%D%/reports.c \
	%D%/results.c \
	%D%/retry.c %D%/retry.h \
	%D%/scan-names.c %D%/scan-names.h \
	%D%/scan.c \
	%D%/snapshot.c %D%/snapshot-child.c %D%/snapshot-child.h \
	%D%/signals.c %D%/signals.h \
	%D%/spoold.h \
	%D%/spoolgore.c %D%/spoolgore.h \
	%D%/subject.c \
	%D%/status-stream.c %D%/status-stream.h \
	%D%/steer.c %D%/steer.h \
	%D%/unreadable.c %D%/unreadable.h \
	%D%/waiters.c %D%/waiters.h \
	%D%/watch.c %D%/watch.h \
	%D%/written.c %D%/written.h
