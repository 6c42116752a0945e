# What "make install" does beyond copying files (contrib/install/system):
#
#   as root, without DESTDIR   user, group, set-gid sendmail, spool: a mailer
#                              for the whole machine
#   otherwise                  files and empty directories only; a packager's
#                              scripts, or "make install-system" as root on
#                              the machine itself, do the rest
#
#   make install-mta           /usr/sbin/sendmail and its other names
#   make uninstall             takes back all but the spool, an edited
#                              configuration, user and group

EXTRA_DIST += %D%/install/system %D%/spoold.conf.in \
	%D%/systemd/spoold.service.in \
	%D%/systemd/spoold-smtp.socket %D%/systemd/spoold-smtp@.service.in

# Directories that all users need, whatever the umask of who installs.
MKDIR_P = umask 022 && @MKDIR_P@

# Where install-mta puts the names by which programs call a mailer.
MTA_ROOT = $(DESTDIR)/usr

spooldir = $(localstatedir)/spool/spoold
spoold_confdir = $(sysconfdir)/spoold

install_vars = \
	DESTDIR='$(DESTDIR)' SPOOL='$(spooldir)' CONFDIR='$(spoold_confdir)' \
	SBINDIR='$(sbindir)' MTA_ROOT='$(MTA_ROOT)' FORCE='$(FORCE)' \
	SPOOLD_USER='$(SPOOLD_USER)' SPOOLD_GROUP='$(SPOOLD_GROUP)' \
	SYSTEM_INSTALL='$(SYSTEM_INSTALL)'
install_system = $(install_vars) $(SHELL) $(srcdir)/%D%/install/system

# Paths in these files are those of the installation, so make fills them in:
# configure does not know what a "make prefix=…" says.
fill_in = $(AM_V_GEN)$(MKDIR_P) $(@D) && sed \
	-e 's|[@]sbindir[@]|$(sbindir)|g' \
	-e 's|[@]spooldir[@]|$(spooldir)|g' \
	-e 's|[@]confdir[@]|$(spoold_confdir)|g' \
	-e 's|[@]user[@]|$(SPOOLD_USER)|g' \
	-e 's|[@]group[@]|$(SPOOLD_GROUP)|g'

noinst_DATA = contrib/spoold.conf
contrib/spoold.conf: %D%/spoold.conf.in Makefile
	$(fill_in) $(srcdir)/%D%/spoold.conf.in >$@.tmp
	$(AM_V_at)mv $@.tmp $@
contrib/systemd/spoold.service: %D%/systemd/spoold.service.in Makefile
	$(fill_in) $(srcdir)/%D%/systemd/spoold.service.in >$@.tmp
	$(AM_V_at)mv $@.tmp $@
contrib/systemd/spoold-smtp@.service: %D%/systemd/spoold-smtp@.service.in Makefile
	$(fill_in) '$(srcdir)/%D%/systemd/spoold-smtp@.service.in' >$@.tmp
	$(AM_V_at)mv $@.tmp $@
CLEANFILES += contrib/spoold.conf contrib/systemd/spoold.service \
	contrib/systemd/spoold-smtp@.service

if SYSTEMD_UNITS
systemdsystemunit_DATA = contrib/systemd/spoold.service \
	contrib/systemd/spoold-smtp@.service %D%/systemd/spoold-smtp.socket
endif

install-exec-hook:
	$(AM_V_at)$(install_system) programs
install-data-hook: contrib/spoold.conf
	$(AM_V_at)$(install_system) data contrib/spoold.conf
uninstall-hook: contrib/spoold.conf
	$(AM_V_at)$(install_system) uninstall contrib/spoold.conf

install-system:
	$(AM_V_at)$(install_system) system
install-mta:
	$(AM_V_at)$(install_system) mta
uninstall-mta:
	$(AM_V_at)$(install_system) uninstall-mta
.PHONY: install-system install-mta uninstall-mta
