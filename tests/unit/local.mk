# One program a module; each prints TAP.
unit_cppflags = $(AM_CPPFLAGS) $(BSD_CFLAGS) $(JSONC_CFLAGS) \
	$(CONFUSE_CFLAGS) $(CHECK_CFLAGS)
unit_ldadd = libspool.a $(CHECK_LIBS) $(JSONC_LIBS) $(CONFUSE_LIBS) $(BSD_LIBS)

check_PROGRAMS += tests/unit/test_address
TESTS += tests/unit/test_address
tests_unit_test_address_CPPFLAGS = $(unit_cppflags)
tests_unit_test_address_LDADD = $(unit_ldadd)
tests_unit_test_address_SOURCES = %D%/test_address.c

check_PROGRAMS += tests/unit/test_date
TESTS += tests/unit/test_date
tests_unit_test_date_CPPFLAGS = $(unit_cppflags)
tests_unit_test_date_LDADD = $(unit_ldadd)
tests_unit_test_date_SOURCES = %D%/test_date.c

check_PROGRAMS += tests/unit/test_when
TESTS += tests/unit/test_when
tests_unit_test_when_CPPFLAGS = $(unit_cppflags)
tests_unit_test_when_LDADD = $(unit_ldadd)
tests_unit_test_when_SOURCES = %D%/test_when.c %D%/unit.h

check_PROGRAMS += tests/unit/test_header
TESTS += tests/unit/test_header
tests_unit_test_header_CPPFLAGS = $(unit_cppflags)
tests_unit_test_header_LDADD = $(unit_ldadd)
tests_unit_test_header_SOURCES = %D%/test_header.c

check_PROGRAMS += tests/unit/test_text
TESTS += tests/unit/test_text
tests_unit_test_text_CPPFLAGS = $(unit_cppflags)
tests_unit_test_text_LDADD = $(unit_ldadd)
tests_unit_test_text_SOURCES = %D%/test_text.c

check_PROGRAMS += tests/unit/test_wire
TESTS += tests/unit/test_wire
tests_unit_test_wire_CPPFLAGS = $(unit_cppflags)
tests_unit_test_wire_LDADD = $(unit_ldadd)
tests_unit_test_wire_SOURCES = %D%/test_wire.c %D%/unit.h

check_PROGRAMS += tests/unit/test_envelope
TESTS += tests/unit/test_envelope
tests_unit_test_envelope_CPPFLAGS = $(unit_cppflags)
tests_unit_test_envelope_LDADD = $(unit_ldadd)
tests_unit_test_envelope_SOURCES = %D%/test_envelope.c %D%/unit.h

check_PROGRAMS += tests/unit/test_spool
TESTS += tests/unit/test_spool
tests_unit_test_spool_CPPFLAGS = $(unit_cppflags)
tests_unit_test_spool_LDADD = $(unit_ldadd)
tests_unit_test_spool_SOURCES = %D%/test_spool.c %D%/unit.h %D%/scratch.h

check_PROGRAMS += tests/unit/test_conf
TESTS += tests/unit/test_conf
tests_unit_test_conf_CPPFLAGS = $(unit_cppflags)
tests_unit_test_conf_LDADD = $(unit_ldadd)
tests_unit_test_conf_SOURCES = %D%/test_conf.c %D%/unit.h %D%/scratch.h

check_PROGRAMS += tests/unit/test_conf_relay
TESTS += tests/unit/test_conf_relay
tests_unit_test_conf_relay_CPPFLAGS = $(unit_cppflags)
tests_unit_test_conf_relay_LDADD = $(unit_ldadd)
tests_unit_test_conf_relay_SOURCES = %D%/test_conf_relay.c %D%/unit.h \
	%D%/scratch.h

check_PROGRAMS += tests/unit/test_conf_route
TESTS += tests/unit/test_conf_route
tests_unit_test_conf_route_CPPFLAGS = $(unit_cppflags)
tests_unit_test_conf_route_LDADD = $(unit_ldadd)
tests_unit_test_conf_route_SOURCES = %D%/test_conf_route.c %D%/unit.h \
	%D%/scratch.h

check_PROGRAMS += tests/unit/test_fsutil
TESTS += tests/unit/test_fsutil
tests_unit_test_fsutil_CPPFLAGS = $(unit_cppflags)
tests_unit_test_fsutil_LDADD = $(unit_ldadd)
tests_unit_test_fsutil_SOURCES = %D%/test_fsutil.c %D%/unit.h %D%/scratch.h

check_PROGRAMS += tests/unit/test_queue
TESTS += tests/unit/test_queue
tests_unit_test_queue_CPPFLAGS = $(unit_cppflags)
tests_unit_test_queue_LDADD = $(unit_ldadd)
tests_unit_test_queue_SOURCES = %D%/test_queue.c %D%/unit.h

queue_fixture = %D%/queue-fixture.c %D%/queue-fixture.h

check_PROGRAMS += tests/unit/test_queue_parts
TESTS += tests/unit/test_queue_parts
tests_unit_test_queue_parts_CPPFLAGS = $(unit_cppflags)
tests_unit_test_queue_parts_LDADD = $(unit_ldadd)
tests_unit_test_queue_parts_SOURCES = %D%/test_queue_parts.c $(queue_fixture)

check_PROGRAMS += tests/unit/test_queue_ids
TESTS += tests/unit/test_queue_ids
tests_unit_test_queue_ids_CPPFLAGS = $(unit_cppflags)
tests_unit_test_queue_ids_LDADD = $(unit_ldadd)
tests_unit_test_queue_ids_SOURCES = %D%/test_queue_ids.c %D%/unit.h

check_PROGRAMS += tests/unit/test_queue_rates
TESTS += tests/unit/test_queue_rates
tests_unit_test_queue_rates_CPPFLAGS = $(unit_cppflags)
tests_unit_test_queue_rates_LDADD = $(unit_ldadd)
tests_unit_test_queue_rates_SOURCES = %D%/test_queue_rates.c $(queue_fixture)

check_PROGRAMS += tests/unit/test_queue_random
TESTS += tests/unit/test_queue_random
tests_unit_test_queue_random_CPPFLAGS = $(unit_cppflags)
tests_unit_test_queue_random_LDADD = $(unit_ldadd)
tests_unit_test_queue_random_SOURCES = %D%/test_queue_random.c $(queue_fixture)

check_PROGRAMS += tests/unit/test_indexes
TESTS += tests/unit/test_indexes
tests_unit_test_indexes_CPPFLAGS = $(unit_cppflags)
tests_unit_test_indexes_LDADD = $(unit_ldadd)
tests_unit_test_indexes_SOURCES = %D%/test_indexes.c %D%/unit.h

check_PROGRAMS += tests/unit/test_addressees
TESTS += tests/unit/test_addressees
tests_unit_test_addressees_CPPFLAGS = $(unit_cppflags)
tests_unit_test_addressees_LDADD = $(unit_ldadd)
tests_unit_test_addressees_SOURCES = %D%/test_addressees.c %D%/unit.h \
	spoold/addressees.c

check_PROGRAMS += tests/unit/test_json_out
TESTS += tests/unit/test_json_out
tests_unit_test_json_out_CPPFLAGS = $(unit_cppflags)
tests_unit_test_json_out_LDADD = $(unit_ldadd)
tests_unit_test_json_out_SOURCES = %D%/test_json_out.c %D%/unit.h

check_PROGRAMS += tests/unit/test_json_scan
TESTS += tests/unit/test_json_scan
tests_unit_test_json_scan_CPPFLAGS = $(unit_cppflags)
tests_unit_test_json_scan_LDADD = $(unit_ldadd)
tests_unit_test_json_scan_SOURCES = %D%/test_json_scan.c %D%/unit.h

check_PROGRAMS += tests/unit/test_written
TESTS += tests/unit/test_written
tests_unit_test_written_CPPFLAGS = $(unit_cppflags)
tests_unit_test_written_LDADD = $(unit_ldadd)
tests_unit_test_written_SOURCES = %D%/test_written.c %D%/scratch.h \
	%D%/unit.h spoold/written.c

check_PROGRAMS += tests/unit/test_queue_steer
TESTS += tests/unit/test_queue_steer
tests_unit_test_queue_steer_CPPFLAGS = $(unit_cppflags)
tests_unit_test_queue_steer_LDADD = $(unit_ldadd)
tests_unit_test_queue_steer_SOURCES = %D%/test_queue_steer.c $(queue_fixture)

check_PROGRAMS += tests/unit/test_status
TESTS += tests/unit/test_status
tests_unit_test_status_CPPFLAGS = $(unit_cppflags)
tests_unit_test_status_LDADD = $(unit_ldadd)
tests_unit_test_status_SOURCES = %D%/test_status.c

check_PROGRAMS += tests/unit/test_stats
TESTS += tests/unit/test_stats
tests_unit_test_stats_CPPFLAGS = $(unit_cppflags)
tests_unit_test_stats_LDADD = $(unit_ldadd)
tests_unit_test_stats_SOURCES = %D%/test_stats.c %D%/unit.h

check_PROGRAMS += tests/unit/test_why
TESTS += tests/unit/test_why
tests_unit_test_why_CPPFLAGS = $(unit_cppflags)
tests_unit_test_why_LDADD = $(unit_ldadd)
tests_unit_test_why_SOURCES = %D%/test_why.c $(queue_fixture)

check_PROGRAMS += tests/unit/test_history
TESTS += tests/unit/test_history
tests_unit_test_history_CPPFLAGS = $(unit_cppflags)
tests_unit_test_history_LDADD = $(unit_ldadd)
tests_unit_test_history_SOURCES = %D%/test_history.c %D%/unit.h

check_PROGRAMS += tests/unit/test_status_head
TESTS += tests/unit/test_status_head
tests_unit_test_status_head_CPPFLAGS = $(unit_cppflags)
tests_unit_test_status_head_LDADD = $(unit_ldadd)
tests_unit_test_status_head_SOURCES = %D%/test_status_head.c $(queue_fixture)

check_PROGRAMS += tests/unit/test_spoolgore
TESTS += tests/unit/test_spoolgore
tests_unit_test_spoolgore_CPPFLAGS = $(unit_cppflags)
tests_unit_test_spoolgore_LDADD = $(unit_ldadd)
tests_unit_test_spoolgore_SOURCES = %D%/test_spoolgore.c \
	spoold/spoolgore.c

check_PROGRAMS += tests/unit/test_retry
TESTS += tests/unit/test_retry
tests_unit_test_retry_CPPFLAGS = $(unit_cppflags)
tests_unit_test_retry_LDADD = $(unit_ldadd)
tests_unit_test_retry_SOURCES = %D%/test_retry.c spoold/retry.c

check_PROGRAMS += tests/unit/test_lines
TESTS += tests/unit/test_lines
tests_unit_test_lines_CPPFLAGS = $(unit_cppflags)
tests_unit_test_lines_LDADD = $(unit_ldadd)
tests_unit_test_lines_SOURCES = %D%/test_lines.c

check_PROGRAMS += tests/unit/test_explain
TESTS += tests/unit/test_explain
tests_unit_test_explain_CPPFLAGS = $(unit_cppflags) $(CONFUSE_CFLAGS)
tests_unit_test_explain_LDADD = $(unit_ldadd) $(SENDMAIL_LIBS)
tests_unit_test_explain_SOURCES = %D%/test_explain.c %D%/scratch.h \
	%D%/unit.h sendmail/caller.c sendmail/explain.c sendmail/job.c

# test_job.c says why.
check_PROGRAMS += tests/unit/test_job
TESTS += tests/unit/test_job
tests_unit_test_job_CPPFLAGS = $(unit_cppflags) $(CONFUSE_CFLAGS)
tests_unit_test_job_LDADD = $(unit_ldadd) $(SENDMAIL_LIBS)
tests_unit_test_job_LDFLAGS = \
	-Wl,--wrap=asprintf -Wl,--wrap=__asprintf_chk
tests_unit_test_job_SOURCES = %D%/test_job.c %D%/scratch.h %D%/unit.h \
	sendmail/caller.c sendmail/explain.c sendmail/job.c

check_PROGRAMS += tests/unit/test_options
TESTS += tests/unit/test_options
tests_unit_test_options_CPPFLAGS = $(unit_cppflags)
tests_unit_test_options_LDADD = $(unit_ldadd)
tests_unit_test_options_SOURCES = %D%/test_options.c sendmail/flags.c \
	sendmail/options.c

check_PROGRAMS += tests/unit/test_submit
TESTS += tests/unit/test_submit
tests_unit_test_submit_CPPFLAGS = $(unit_cppflags)
tests_unit_test_submit_LDADD = $(unit_ldadd)
tests_unit_test_submit_SOURCES = %D%/test_submit.c

check_PROGRAMS += tests/unit/test_maildir
TESTS += tests/unit/test_maildir
tests_unit_test_maildir_CPPFLAGS = $(unit_cppflags)
tests_unit_test_maildir_LDADD = $(unit_ldadd)
tests_unit_test_maildir_SOURCES = %D%/test_maildir.c \
	spoold/maildir/maildir.c

check_PROGRAMS += tests/unit/test_status_stream
TESTS += tests/unit/test_status_stream
tests_unit_test_status_stream_CPPFLAGS = $(unit_cppflags)
tests_unit_test_status_stream_LDADD = $(unit_ldadd)
tests_unit_test_status_stream_SOURCES = %D%/test_status_stream.c

check_PROGRAMS += tests/unit/test_spoolq_idset
TESTS += tests/unit/test_spoolq_idset
tests_unit_test_spoolq_idset_CPPFLAGS = $(unit_cppflags)
tests_unit_test_spoolq_idset_LDADD = $(unit_ldadd)
tests_unit_test_spoolq_idset_SOURCES = %D%/test_spoolq_idset.c \
	spoolq/idset.c

check_PROGRAMS += tests/unit/test_spoolq_progress
TESTS += tests/unit/test_spoolq_progress
tests_unit_test_spoolq_progress_CPPFLAGS = $(unit_cppflags)
tests_unit_test_spoolq_progress_LDADD = $(unit_ldadd)
tests_unit_test_spoolq_progress_SOURCES = %D%/test_spoolq_progress.c \
	spoolq/draw.c spoolq/output.c spoolq/progress.c

check_PROGRAMS += tests/unit/test_spoolq_output
TESTS += tests/unit/test_spoolq_output
tests_unit_test_spoolq_output_CPPFLAGS = $(unit_cppflags)
tests_unit_test_spoolq_output_LDADD = $(unit_ldadd)
tests_unit_test_spoolq_output_SOURCES = %D%/test_spoolq_output.c \
	spoolq/draw.c spoolq/json.c spoolq/output.c \
	spoolq/output-mailq.c spoolq/output-table.c

check_PROGRAMS += tests/unit/test_tally
TESTS += tests/unit/test_tally
tests_unit_test_tally_CPPFLAGS = $(unit_cppflags)
tests_unit_test_tally_LDADD = $(unit_ldadd)
tests_unit_test_tally_SOURCES = %D%/test_tally.c $(queue_fixture) \
	spoolq/cause.c spoolq/output.c spoolq/tally.c spoolq/top.c

check_PROGRAMS += tests/unit/test_screen
TESTS += tests/unit/test_screen
tests_unit_test_screen_CPPFLAGS = $(unit_cppflags)
tests_unit_test_screen_LDADD = $(unit_ldadd)
tests_unit_test_screen_SOURCES = %D%/test_screen.c %D%/unit.h \
	spoolq/cause.c spoolq/draw.c spoolq/frame.c spoolq/health.c \
	spoolq/openmetrics.c spoolq/output.c spoolq/page.c \
	spoolq/page-tables.c spoolq/picture.c spoolq/screen.c \
	spoolq/screen-relays.c spoolq/summary-put.c spoolq/svg.c \
	spoolq/tally.c spoolq/top.c

check_PROGRAMS += tests/unit/test_normalise
TESTS += tests/unit/test_normalise
tests_unit_test_normalise_CPPFLAGS = $(unit_cppflags)
tests_unit_test_normalise_LDADD = $(unit_ldadd)
tests_unit_test_normalise_SOURCES = %D%/test_normalise.c \
	spoold/smtp/normalise.c

check_PROGRAMS += tests/unit/test_outcome
TESTS += tests/unit/test_outcome
tests_unit_test_outcome_CPPFLAGS = $(unit_cppflags)
tests_unit_test_outcome_LDADD = $(unit_ldadd)
tests_unit_test_outcome_SOURCES = %D%/test_outcome.c %D%/unit.h \
	spoold/smtp/outcome.c

check_PROGRAMS += tests/unit/test_stuff
TESTS += tests/unit/test_stuff
tests_unit_test_stuff_CPPFLAGS = $(unit_cppflags)
tests_unit_test_stuff_LDADD = $(unit_ldadd)
tests_unit_test_stuff_SOURCES = %D%/test_stuff.c spoold/smtp/stuff.c

check_PROGRAMS += tests/unit/test_relay
TESTS += tests/unit/test_relay
tests_unit_test_relay_CPPFLAGS = $(unit_cppflags) $(SSL_CFLAGS)
tests_unit_test_relay_LDADD = $(unit_ldadd) $(SSL_LIBS)
tests_unit_test_relay_SOURCES = %D%/test_relay.c $(relay_sources) \
	spoold/smtp/auth.c spoold/smtp/capabilities.c \
	spoold/agent-protocol.c

# What settings and connections pull in.
relay_sources = spoold/smtp/command.c spoold/smtp/conn.c \
	spoold/smtp/conn-wait.c \
	spoold/smtp/hosts.c spoold/smtp/mask.c spoold/smtp/normalise.c \
	spoold/smtp/secret.c \
	spoold/smtp/settings.c spoold/smtp/tls.c spoold/smtp/base64.c \
	spoold/smtp/token.c \
	spoold/smtp/verify.c

check_PROGRAMS += tests/unit/test_hosts
TESTS += tests/unit/test_hosts
tests_unit_test_hosts_CPPFLAGS = $(unit_cppflags)
tests_unit_test_hosts_LDADD = $(unit_ldadd)
tests_unit_test_hosts_SOURCES = %D%/test_hosts.c %D%/unit.h \
	spoold/smtp/hosts.c

check_PROGRAMS += tests/unit/test_srv
TESTS += tests/unit/test_srv
tests_unit_test_srv_CPPFLAGS = $(unit_cppflags) $(SSL_CFLAGS)
tests_unit_test_srv_LDADD = $(unit_ldadd) $(SSL_LIBS) -lresolv
tests_unit_test_srv_SOURCES = %D%/test_srv.c %D%/unit.h $(relay_sources) \
	spoold/smtp/aside.c spoold/smtp/srv.c spoold/smtp/threads.c

check_PROGRAMS += tests/unit/test_conn
TESTS += tests/unit/test_conn
tests_unit_test_conn_CPPFLAGS = $(unit_cppflags) $(SSL_CFLAGS)
tests_unit_test_conn_LDADD = $(unit_ldadd) $(SSL_LIBS)
tests_unit_test_conn_SOURCES = %D%/test_conn.c %D%/unit.h $(relay_sources)

dispatch_sources = %D%/dispatch-fixture.c %D%/dispatch-fixture.h \
	spoold/agent-protocol.c spoold/dispatch.c spoold/recover.c \
	spoold/relay.c spoold/results.c spoold/retry.c

check_PROGRAMS += tests/unit/test_dispatch
TESTS += tests/unit/test_dispatch
tests_unit_test_dispatch_CPPFLAGS = $(unit_cppflags) $(UV_CFLAGS)
tests_unit_test_dispatch_LDADD = $(unit_ldadd) $(UV_LIBS)
tests_unit_test_dispatch_SOURCES = %D%/test_dispatch.c $(dispatch_sources)

check_PROGRAMS += tests/unit/test_record
TESTS += tests/unit/test_record
tests_unit_test_record_CPPFLAGS = $(unit_cppflags) $(UV_CFLAGS)
tests_unit_test_record_LDADD = $(unit_ldadd) $(UV_LIBS)
tests_unit_test_record_SOURCES = %D%/test_record.c %D%/unit.h spoold/record.c

check_PROGRAMS += tests/unit/test_lanes
TESTS += tests/unit/test_lanes
tests_unit_test_lanes_CPPFLAGS = $(unit_cppflags) $(UV_CFLAGS)
tests_unit_test_lanes_LDADD = $(unit_ldadd) $(UV_LIBS)
tests_unit_test_lanes_SOURCES = %D%/test_lanes.c $(dispatch_sources)

check_PROGRAMS += tests/unit/test_utf8
TESTS += tests/unit/test_utf8
tests_unit_test_utf8_CPPFLAGS = $(unit_cppflags)
tests_unit_test_utf8_LDADD = $(unit_ldadd)
tests_unit_test_utf8_SOURCES = %D%/test_utf8.c %D%/unit.h

check_PROGRAMS += tests/unit/test_fold
TESTS += tests/unit/test_fold
tests_unit_test_fold_CPPFLAGS = $(unit_cppflags)
tests_unit_test_fold_LDADD = $(unit_ldadd)
tests_unit_test_fold_SOURCES = %D%/test_fold.c %D%/unit.h

check_PROGRAMS += tests/unit/test_aliases
TESTS += tests/unit/test_aliases
tests_unit_test_aliases_CPPFLAGS = $(unit_cppflags)
tests_unit_test_aliases_LDADD = $(unit_ldadd)
tests_unit_test_aliases_SOURCES = %D%/test_aliases.c %D%/scratch.h %D%/unit.h

check_PROGRAMS += tests/unit/test_generic
TESTS += tests/unit/test_generic
tests_unit_test_generic_CPPFLAGS = $(unit_cppflags)
tests_unit_test_generic_LDADD = $(unit_ldadd)
tests_unit_test_generic_SOURCES = %D%/test_generic.c %D%/scratch.h %D%/unit.h

check_PROGRAMS += tests/unit/test_identity
TESTS += tests/unit/test_identity
tests_unit_test_identity_CPPFLAGS = $(unit_cppflags)
tests_unit_test_identity_LDADD = $(unit_ldadd)
tests_unit_test_identity_SOURCES = %D%/test_identity.c %D%/scratch.h \
	%D%/unit.h sendmail/newaliases.c

check_PROGRAMS += tests/unit/test_idn
TESTS += tests/unit/test_idn
tests_unit_test_idn_CPPFLAGS = $(unit_cppflags) $(IDN2_CFLAGS)
tests_unit_test_idn_LDADD = $(unit_ldadd) $(IDN2_LIBS)
tests_unit_test_idn_SOURCES = %D%/test_idn.c spoold/smtp/idn.c

check_PROGRAMS += tests/unit/test_rate
TESTS += tests/unit/test_rate
tests_unit_test_rate_CPPFLAGS = $(unit_cppflags)
tests_unit_test_rate_LDADD = $(unit_ldadd)
tests_unit_test_rate_SOURCES = %D%/test_rate.c %D%/unit.h

check_PROGRAMS += tests/unit/test_turns
TESTS += tests/unit/test_turns
tests_unit_test_turns_CPPFLAGS = $(unit_cppflags)
tests_unit_test_turns_LDADD = $(unit_ldadd)
tests_unit_test_turns_SOURCES = %D%/test_turns.c %D%/unit.h

check_PROGRAMS += tests/unit/test_report
TESTS += tests/unit/test_report
tests_unit_test_report_CPPFLAGS = $(unit_cppflags)
tests_unit_test_report_LDADD = $(unit_ldadd)
tests_unit_test_report_SOURCES = %D%/test_report.c %D%/scratch.h %D%/unit.h \
	spoold/report.c spoold/report-original.c spoold/report-status.c \
	spoold/report-text.c spoold/report-words.c
