# The black-box tests of sendmail.
TESTS += %D%/sendmail.t %D%/sendmail-vectors.t
EXTRA_DIST += %D%/sendmail.t %D%/sendmail-vectors.t
# SMTP: at a pipe, and at a socket with real clients.
# A parent of the odd kind, for them.
# Aliases and senders.
# Waiting, explaining, and the page that describes all of it.
