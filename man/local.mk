# man/: mdoc sources
dist_man_MANS += %D%/sendmail.8
dist_man_MANS += %D%/spoolq.8
