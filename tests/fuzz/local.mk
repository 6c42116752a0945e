# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A target without libFuzzer replays its corpus once, as a test.  With
# --enable-fuzzing and CC=clang it fuzzes:
#   tests/fuzz/fuzz_address -max_len=4096 SCRATCH SRCDIR/tests/fuzz/corpus/address
# and what it finds belongs into the corpus.
fuzz_targets = tests/fuzz/fuzz_address tests/fuzz/fuzz_aliases \
	tests/fuzz/fuzz_config tests/fuzz/fuzz_edits \
	tests/fuzz/fuzz_envelope tests/fuzz/fuzz_header \
	tests/fuzz/fuzz_journal tests/fuzz/fuzz_smtp tests/fuzz/fuzz_status
fuzz_common = %D%/fuzz.h %D%/clean.c
fuzz_cflags = $(AM_CFLAGS)
EXTRA_DIST += %D%/corpus
if FUZZING
noinst_PROGRAMS += $(fuzz_targets)
fuzz_cflags += -fsanitize=fuzzer
else
fuzz_common += %D%/replay.c
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
endif

tests_fuzz_fuzz_address_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_fuzz_address_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_address_LDADD = libspool.a
tests_fuzz_fuzz_address_SOURCES = %D%/fuzz_address.c $(fuzz_common)

tests_fuzz_fuzz_aliases_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS)
tests_fuzz_fuzz_aliases_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_aliases_LDADD = libspool.a $(CONFUSE_LIBS) $(BSD_LIBS)
tests_fuzz_fuzz_aliases_SOURCES = %D%/fuzz_aliases.c $(fuzz_common)

tests_fuzz_fuzz_config_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS)
tests_fuzz_fuzz_config_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_config_LDADD = libspool.a $(CONFUSE_LIBS) $(BSD_LIBS)
tests_fuzz_fuzz_config_SOURCES = %D%/fuzz_config.c $(fuzz_common)

tests_fuzz_fuzz_edits_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS)
tests_fuzz_fuzz_edits_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_edits_LDADD = libspool.a $(JSONC_LIBS) $(BSD_LIBS)
tests_fuzz_fuzz_edits_SOURCES = %D%/fuzz_edits.c $(fuzz_common) \
	spoold/edit-read.c

tests_fuzz_fuzz_header_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_fuzz_header_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_header_LDADD = libspool.a
tests_fuzz_fuzz_header_SOURCES = %D%/fuzz_header.c $(fuzz_common)

tests_fuzz_fuzz_envelope_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_fuzz_envelope_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_envelope_LDADD = libspool.a
tests_fuzz_fuzz_envelope_SOURCES = %D%/fuzz_envelope.c $(fuzz_common)

tests_fuzz_fuzz_journal_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS)
tests_fuzz_fuzz_journal_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_journal_LDADD = libspool.a $(JSONC_LIBS) $(BSD_LIBS)
tests_fuzz_fuzz_journal_SOURCES = %D%/fuzz_journal.c $(fuzz_common)

tests_fuzz_fuzz_smtp_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_fuzz_smtp_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_smtp_LDADD = libspool.a $(CONFUSE_LIBS) $(BSD_LIBS)
tests_fuzz_fuzz_smtp_SOURCES = %D%/fuzz_smtp.c $(fuzz_common) \
	sendmail/params.c sendmail/peer.c sendmail/smtp.c \
	sendmail/smtp-message.c

tests_fuzz_fuzz_status_CPPFLAGS = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS)
tests_fuzz_fuzz_status_CFLAGS = $(fuzz_cflags)
tests_fuzz_fuzz_status_LDADD = libspool.a $(JSONC_LIBS) $(BSD_LIBS)
tests_fuzz_fuzz_status_SOURCES = %D%/fuzz_status.c $(fuzz_common)
