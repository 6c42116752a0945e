bin_PROGRAMS += spoolq/spoolq
spoolq_spoolq_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS) \
	$(CONFUSE_CFLAGS)
spoolq_spoolq_LDADD = libspool.a $(JSONC_LIBS) $(CONFUSE_STATIC)
spoolq_spoolq_SOURCES = \
	%D%/cause.c %D%/cause.h \
	%D%/change.c %D%/change.h \
	%D%/complete.c %D%/complete.h \
	%D%/confirm.c %D%/confirm.h \
	%D%/control.c %D%/control.h \
	%D%/direct.c %D%/direct.h \
	%D%/doctor.c %D%/doctor.h %D%/doctor-agent.c %D%/doctor-agent.h \
	%D%/doctor-relay.c %D%/doctor-spool.c %D%/doctor-system.c \
	%D%/draw.c %D%/draw.h \
	%D%/drop.c \
	%D%/filter.c %D%/filter.h \
	%D%/flush.c \
	%D%/frame.c %D%/frame.h \
	%D%/health.c %D%/health.h \
	%D%/help.c %D%/help.h \
	%D%/hold.c \
	%D%/idset.c %D%/idset.h \
	%D%/import.c %D%/import.h %D%/import-commit.c %D%/import-dma.c \
	%D%/import-file.c %D%/import-maildrop.c %D%/import-msmtpq.c \
	%D%/import-nullmailer.c %D%/import-resume.c %D%/import-spoolgore.c \
	%D%/json.c \
	%D%/list.c \
	%D%/mailq.c \
	%D%/main.c \
	%D%/metrics.c \
	%D%/openmetrics.c %D%/openmetrics.h \
	%D%/options.c %D%/options.h \
	%D%/outfile.c %D%/outfile.h \
	%D%/output.c %D%/output-mailq.c %D%/output-table.c %D%/output.h \
	%D%/page.c %D%/page-tables.c %D%/page.h \
	%D%/picture.c %D%/picture-load.c %D%/picture.h \
	%D%/pause.c \
	%D%/progress.c %D%/progress.h \
	%D%/relays.c %D%/relays.h \
	%D%/release.c \
	%D%/idhash.c %D%/idhash.h \
	%D%/log.c \
	%D%/story.c %D%/story.h \
	%D%/story-read.c %D%/story-read.h \
	%D%/test.c \
	%D%/tool.c %D%/tool.h \
	%D%/trace.c \
	%D%/why.c \
	%D%/report.c \
	%D%/requeue.c \
	%D%/reroute.c \
	%D%/retry.c \
	%D%/select.c %D%/select.h \
	%D%/screen.c %D%/screen-relays.c %D%/screen.h \
	%D%/show.c %D%/show-envelope.c %D%/show.h \
	%D%/status.c \
	%D%/summary.c %D%/summary-put.c %D%/summary-json.c %D%/summary.h \
	%D%/svg.c %D%/svg.h \
	%D%/tally.c %D%/tally.h \
	%D%/top.c %D%/top.h \
	%D%/tty.c %D%/tty.h \
	%D%/watch.c \
	%D%/spoolq.h \
	%D%/view.c %D%/view-control.c %D%/view-files.c %D%/view-next.c \
	%D%/view-snapshot.c %D%/view-work.h %D%/view.h \
	%D%/wait.c %D%/wait.h \
	spoold/agent-settings.c spoold/agent-settings.h \
	spoold/edit-read.c spoold/edit-read.h
