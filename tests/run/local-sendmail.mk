# The black-box tests of sendmail.
TESTS += %D%/sendmail.t %D%/sendmail-vectors.t
EXTRA_DIST += %D%/sendmail.t %D%/sendmail-vectors.t
