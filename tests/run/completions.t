#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What the shells offer behind "spoolq".

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

make_spool
one=3286A1B2C3
two=3286A1B2C4
for id in "$one" "$two"; do
	printf 'Subject: x\n\nx\n' | crlf |
	    put_message "$spool/queue" "$id" "$(now)" ann@example.org \
		bob@example.net
done
printf 'relay "%s" { host = "%s" }\n' smart smart.example \
    backup backup.example >>"$config"

# ---- what spoolq offers ------------------------------------------------

# offers WORDS... : the candidates, one a line
offers() {
	timeout 20 "$SPOOLQ" --complete "$@" 2>"$dir/err" | cut -f 1
}

# has NAME CANDIDATES WORDS...: all of CANDIDATES are among what is offered
has() {
	local name=$1 want=$2 got word missing=
	shift 2
	got=$(offers "$@")
	for word in $want; do
		grep -qxF -- "$word" <<<"$got" || missing+=" $word"
	done
	is "$missing" "" "$name"
}

has "commands" "list show flush drop hold release mailq" ""
is "$(offers sho)" show "those that begin so"
has "the common options" "--config --spool --help" --
unlike "$(offers --)" "--json" "not those of commands"
has "a command's options and filters" \
    "--json --ids --color --from --older --limit --spool" list --
is "$(offers list --jso)" --json "one of them"
is "$(offers mailq --al)" "" "no filters where there are none"
has "states" "new sending deferred held failed paused circuit rate" \
    list --state ""
is "$(offers list --state def)" deferred "one state"
is "$(offers list --state = def)" deferred "as bash has it"
is "$(offers list --from "")" "" "what nobody can know"
is "$(offers list --older 5m --colo)" --color "behind an option's argument"
is "$(offers --spool "")" :dirs "directories"
is "$(offers -C "")" :files "files"
here=(-C "$config" --spool "$spool")
is "$(offers "${here[@]}" show "" | xargs)" "$one $two" "ids"
is "$(offers "${here[@]}" show "$two")" "$two" "one id"
is "$(timeout 20 "$SPOOLQ" --complete "${here[@]}" show "$one")" \
    "$one	new: ann@example.org -> bob@example.net" "with what it is"
is "$(offers "${here[@]}" list --relay "" | xargs)" "smart backup" "relays"
is "$(offers --config = "$config" list --relay b)" backup \
    "of the configuration named"
is "$(offers --spool "$dir/none" -C "$config" list --relay sm)" smart \
    "without a spool, too"
is "$(offers dance "")$(offers)" "" "nothing for what is no command"
is "$(offers list --color=al)" --color=always "in one word, too"
is "$(offers import po)" postfix-maildrop "the formats of import"
is "$(offers "${here[@]}" import dma "")" :files "then a file"
is "$(offers log --event admi)" admitted "events"
is "$(offers "${here[@]}" reroute --from-relay b)" backup "from a relay"
is "$(offers "${here[@]}" release "")$(offers "${here[@]}" requeue "")" "" \
    "no ids in another state"
mv "$spool/queue/$two" "$spool/hold/$two"
is "$(offers "${here[@]}" release "")/$(offers "${here[@]}" hold "")" \
    "$two/$one" "but those in the right one"
mv "$spool/hold/$two" "$spool/queue/$two"

# ---- bash --------------------------------------------------------------

# in_bash WORDS... : as if TAB was pressed behind the last one
# shellcheck disable=SC2016 # the inner bash's
in_bash() {
	PATH=$builddir/spoolq:$PATH "${BASH:-bash}" --norc -c '
		. "$1"
		shift
		complete -p spoolq >/dev/null || exit 1
		COMP_WORDS=(spoolq "$@")
		COMP_CWORD=$#
		_spoolq
		printf "%s\n" "${COMPREPLY[@]}"' \
	    bash "$srcdir/contrib/completions/spoolq.bash" "$@" 2>&1 | xargs
}
is "$(in_bash rel)" release "bash: a command"
is "$(in_bash list --state hel)" held "bash: a state"
is "$(in_bash "${here[@]}" hold "")" "$one $two" "bash: ids"

# ---- zsh ---------------------------------------------------------------

if command -v zsh >/dev/null; then
	# shellcheck disable=SC2016 # zsh's
	in_zsh() {
		PATH=$builddir/spoolq:$PATH zsh -f -c '
			_call_program() { shift; eval "$@" }
			_describe() { print -l -- ${(P)argv[-1]} }
			_files() { print files "$@" }
			file=$1; shift
			words=(spoolq "$@")
			CURRENT=$#words
			. $file' zsh \
		    "$srcdir/contrib/completions/_spoolq" "$@" 2>&1
	}
	is "$(in_zsh rel)" "release:let held messages go on" "zsh: a command"
	is "$(in_zsh "${here[@]}" show "$one")" \
	    "$one:new: ann@example.org -> bob@example.net" "zsh: ids"
	is "$(in_zsh --spool "")" "files -/" "zsh: directories"
	is "$(zsh -f -c 'fpath=($1 $fpath); autoload -U compinit
		compinit -D -u; print $_comps[spoolq]' \
	    zsh "$srcdir/contrib/completions" 2>&1)" _spoolq \
	    "zsh finds it by its name"
else
	skip "zsh" "zsh is not installed"
fi

# ---- fish --------------------------------------------------------------

if command -v fish >/dev/null; then
	# shellcheck disable=SC2016 # fish's
	in_fish() {
		HOME=$dir PATH=$builddir/spoolq:$PATH fish --no-config -c '
			source $argv[1]; complete -C $argv[2]' \
		    "$srcdir/contrib/completions/spoolq.fish" "$1" 2>&1
	}
	is "$(in_fish 'spoolq rel')" "release	let held messages go on" \
	    "fish: a command"
	is "$(in_fish "spoolq --spool $spool show $one")" \
	    "$one	new: ann@example.org -> bob@example.net" "fish: ids"
else
	skip "fish" "fish is not installed"
fi

# ---- where they are ----------------------------------------------------

install_completions() {
	make -s -C "$builddir" DESTDIR="$dir/root" prefix=/usr \
	    datadir=/usr/share install-nodist_bashcompletionDATA \
	    install-dist_zshcompletionDATA install-dist_fishcompletionDATA \
	    >"$dir/make.log" 2>&1
}

ok "make install puts them where the shells look" install_completions
for file in bash-completion/completions/spoolq zsh/site-functions/_spoolq \
    fish/vendor_completions.d/spoolq.fish; do
	ok "$file" [ -s "$dir/root/usr/share/$file" ]
done
done_testing
