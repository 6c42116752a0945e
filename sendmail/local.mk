sbin_PROGRAMS += sendmail/sendmail
sendmail_sendmail_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(CONFUSE_CFLAGS)
sendmail_sendmail_LDADD = libspool.a $(CONFUSE_STATIC)
sendmail_sendmail_SOURCES = \
	%D%/caller.c %D%/caller.h \
	%D%/main.c \
	%D%/options.c %D%/options.h \
	%D%/queue-tool.c %D%/queue-tool.h \
	%D%/smtp.c %D%/smtp.h
