pkglibexec_PROGRAMS += spoold/smtp/spoold-smtp
spoold_smtp_spoold_smtp_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) \
	$(ESMTP_CFLAGS) $(SSL_CFLAGS) $(IDN2_CFLAGS)
spoold_smtp_spoold_smtp_CFLAGS = $(AM_CFLAGS) -pthread
# Exports the calls that libESMTP is diverted from (hooks.c), nothing else.
spoold_smtp_spoold_smtp_LDFLAGS = $(AM_LDFLAGS) -pthread \
	-Wl,--export-dynamic-symbol=getaddrinfo \
	-Wl,--export-dynamic-symbol=socket \
	-Wl,--export-dynamic-symbol=connect \
	-Wl,--export-dynamic-symbol=read \
	-Wl,--export-dynamic-symbol=write \
	-Wl,--export-dynamic-symbol=poll \
	-Wl,--export-dynamic-symbol=close \
	-Wl,--export-dynamic-symbol=dlopen
spoold_smtp_spoold_smtp_LDADD = libspool.a $(ESMTP_LIBS) $(SSL_LIBS) $(IDN2_LIBS) \
	$(BSD_LIBS) -lresolv
spoold_smtp_spoold_smtp_SOURCES = %D%/main.c \
	%D%/aside.c %D%/aside.h \
	%D%/auth.c %D%/auth.h \
	%D%/base64.c %D%/base64.h \
	%D%/capabilities.c %D%/capabilities.h \
	%D%/certificate.c %D%/certificate.h \
	%D%/command.c %D%/command.h \
	%D%/conn.c %D%/conn-wait.c %D%/conn-work.h %D%/conn.h \
	%D%/content.c %D%/content.h \
	%D%/dial.c %D%/dial.h \
	%D%/dialogue.c %D%/dialogue.h \
	%D%/ending.c %D%/ending.h \
	%D%/hooks.c %D%/hooks.h \
	%D%/hosts.c %D%/hosts.h \
	%D%/idn.c %D%/idn.h \
	%D%/job.c %D%/job.h \
	%D%/mask.c %D%/mask.h \
	%D%/message.c %D%/message.h \
	%D%/normalise.c %D%/normalise.h \
	%D%/opening.c %D%/opening-list.c %D%/opening-work.h %D%/opening.h \
	%D%/outcome.c %D%/outcome.h \
	%D%/pool.c %D%/pool.h \
	%D%/probe.c %D%/probe.h \
	%D%/probe-login.c %D%/probe-login.h \
	%D%/resolve.c %D%/resolve.h \
	%D%/say.c %D%/say.h \
	%D%/secret.c %D%/secret.h \
	%D%/selftest.c %D%/selftest.h \
	%D%/session.c %D%/session.h \
	%D%/settings.c %D%/settings.h \
	%D%/srv.c %D%/srv.h \
	%D%/stuff.c %D%/stuff.h \
	%D%/threads.c %D%/threads.h \
	%D%/tls.c %D%/tls.h \
	%D%/token.c %D%/token.h \
	%D%/transport.c %D%/transport.h \
	%D%/verify.c %D%/verify.h \
	spoold/agent-input.c spoold/agent-input.h \
	spoold/agent-protocol.c spoold/agent-protocol.h
