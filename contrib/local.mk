# contrib/: installation, systemd unit, completions
include %D%/install.mk

# Completions, where the shells look for those of packages.
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = %D%/completions/spoolq
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = %D%/completions/_spoolq
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = %D%/completions/spoolq.fish
EXTRA_DIST += %D%/completions/spoolq.bash
CLEANFILES += %D%/completions/spoolq

# bash wants the command's bare name; a source may say what it is.
%D%/completions/spoolq: %D%/completions/spoolq.bash
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $< $@
