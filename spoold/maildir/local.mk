pkglibexec_PROGRAMS += spoold/maildir/spoold-maildir
spoold_maildir_spoold_maildir_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS)
spoold_maildir_spoold_maildir_LDADD = libspool.a $(BSD_LIBS)
spoold_maildir_spoold_maildir_SOURCES = %D%/main.c \
	%D%/input.c %D%/input.h \
	%D%/maildir.c %D%/maildir.h \
	spoold/agent-protocol.c spoold/agent-protocol.h
