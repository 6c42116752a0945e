bin_PROGRAMS += spoolq/spoolq
spoolq_spoolq_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS) \
	$(CONFUSE_CFLAGS)
spoolq_spoolq_LDADD = libspool.a $(JSONC_LIBS) $(CONFUSE_STATIC)
spoolq_spoolq_SOURCES = \
	%D%/change.c %D%/change.h \
	%D%/control.c %D%/control.h \
	%D%/drop.c \
	%D%/filter.c %D%/filter.h \
	%D%/flush.c \
	%D%/hold.c \
	%D%/json.c \
	%D%/list.c \
	%D%/mailq.c \
	%D%/main.c \
	%D%/options.c %D%/options.h \
	%D%/output.c %D%/output.h \
	%D%/release.c \
	%D%/show.c \
	%D%/spoolq.h \
	%D%/view.c %D%/view.h
