# The scripted SMTP server of the black-box tests.
check_PROGRAMS += tests/smtpd/smtpd
tests_smtpd_smtpd_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
tests_smtpd_smtpd_CFLAGS = $(AM_CFLAGS) -pthread
tests_smtpd_smtpd_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_smtpd_smtpd_LDADD = $(SSL_LIBS)
tests_smtpd_smtpd_SOURCES = \
	%D%/action.c \
	%D%/auth.c \
	%D%/data.c \
	%D%/io.c \
	%D%/options.c \
	%D%/script.c \
	%D%/session.c \
	%D%/smtpd.c %D%/smtpd.h \
	%D%/store.c
