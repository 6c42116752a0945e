sbin_PROGRAMS += sendmail/sendmail
sendmail_sendmail_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(CONFUSE_CFLAGS)
sendmail_sendmail_LDADD = libspool.a $(SENDMAIL_LIBS)
# no-passwd.c says why.
sendmail_sendmail_LDFLAGS = $(SENDMAIL_LDFLAGS) \
	-Wl,--wrap=getpwnam -Wl,--wrap=getpwuid
sendmail_sendmail_SOURCES = \
	%D%/caller.c %D%/caller.h \
	%D%/drain.c %D%/drain.h \
	%D%/explain.c %D%/explain.h \
	%D%/flags.c %D%/flags.h \
	%D%/job.c %D%/job.h \
	%D%/main.c \
	%D%/no-passwd.c \
	%D%/newaliases.c %D%/newaliases.h \
	%D%/options.c %D%/options.h \
	%D%/params.c %D%/params.h \
	%D%/peer.c %D%/peer.h \
	%D%/queue-tool.c %D%/queue-tool.h \
	%D%/smtp.c %D%/smtp.h \
	%D%/smtp-message.c %D%/smtp-session.h \
	%D%/wait.c %D%/wait.h
