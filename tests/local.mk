include tests/unit/local.mk
include tests/smtpd/local.mk
include tests/run/local.mk
include tests/run/local-sendmail.mk
include tests/run/local-spoolq.mk
include tests/fault/local.mk
include tests/fuzz/local.mk
