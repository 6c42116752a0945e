# contrib/: installation, systemd unit
include %D%/install.mk
