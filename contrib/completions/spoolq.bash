# bash completion for spoolq(8)                            -*- shell-script -*-
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq itself knows what may come next.

_spoolq() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:files) compopt -o default 2>/dev/null ;;
		:dirs) compopt -o dirnames 2>/dev/null ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" --complete \
	    "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

complete -F _spoolq spoolq
