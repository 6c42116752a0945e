pkglibexec_PROGRAMS += spoold/maildir/spoold-maildir
spoold_maildir_spoold_maildir_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS)
spoold_maildir_spoold_maildir_LDADD = libspool.a $(BSD_LIBS)
spoold_maildir_spoold_maildir_SOURCES = %D%/main.c \
	%D%/maildir.c %D%/maildir.h \
	spoold/agent-input.c spoold/agent-input.h \
	spoold/agent-protocol.c spoold/agent-protocol.h
