# man/: mdoc sources
dist_man_MANS += %D%/spoold.8 %D%/spoold.conf.5 %D%/spoold-spool.5
dist_man_MANS += %D%/sendmail.8
dist_man_MANS += %D%/spoolq.8
