# Completion of postrider(8) for bash.

_postrider_ids()
{
	"$1" "${@:2}" queue list --limit 50 2>/dev/null |
	    sed -n 's/^\([0-9A-Za-z]\{11\}\) .*/\1/p'
}

_postrider_users()
{
	"$1" "${@:2}" user list 2>/dev/null | sed '1d;s/ .*//'
}

_postrider_certs()
{
	"$1" "${@:2}" cert show 2>/dev/null | sed '1d;/^$/,$d;s/ .*//'
}

_postrider()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local filters='--from --to --dest --state --older --younger --id
	    --limit --json'
	local words= verb= sub= i inst=()
	COMPREPLY=()

	# the verb and its first word, and -i DIR on the way
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-i|--instance)
			inst=(-i "${COMP_WORDS[i+1]}")
			((i++)) ;;
		--as)
			((i++)) ;;
		-*) ;;
		*)
			if [ -z "$verb" ]; then
				verb=${COMP_WORDS[i]}
			elif [ -z "$sub" ]; then
				sub=${COMP_WORDS[i]}
			fi ;;
		esac
	done

	case $prev in
	--as)
		return ;;
	-i|--instance|--fd-in|--fd-out)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--state)
		words='any active ready deferred hold scheduled' ;;
	--id)
		words=$(_postrider_ids "$1" "${inst[@]}") ;;
	--from|--to|--dest|--older|--younger|--limit|--since|--match|-n|\
	    --domain|--user|--port-base|--days|--quota|--hash|--label|\
	    --services|--q|--s)
		return ;;
	esac

	if [ -z "$words" ]; then
		case $verb/$sub in
		/) words="$("$1" help --names 2>/dev/null) -i --help" ;;
		help/) words=$("$1" help --names 2>/dev/null) ;;
		init/*) words='--domain --user --port-base --gate --force' ;;
		status/*) words='--pids --json' ;;
		log/*) words='-f -n --q --s --since --match' ;;
		cert/) words='show self-signed check' ;;
		cert/show) words="$(_postrider_certs "$1" "${inst[@]}")
			--json" ;;
		cert/check) words=$(_postrider_certs "$1" "${inst[@]}") ;;
		cert/self-signed) words='--days' ;;
		credentials/) words='set list remove' ;;
		credentials/set) words='--user --mechanisms --at --plaintext
			--binding --token --token-file' ;;
		credentials/list) words='--json' ;;
		dns/*) words='--json flush A AAAA MX TLSA TXT PTR CNAME NS' ;;
		trace-smtp/*) words='--auth --from --to --transport' ;;
		limits/) words='list forget' ;;
		limits/list) words='--json auth- submit' ;;
		srs/) words='rotate' ;;
		test/*) words='--sender --relay --json --no-dns --client --helo
		    --rcpt --login --tls --service --size' ;;
		tls-policy/) words='list refresh report' ;;
		tls-policy/list) words='--json' ;;
		tls-policy/report) words='--day --send' ;;
		map/) words='--all query list check users aliases domains' ;;
		map/*) words='users aliases domains' ;;
		domain/) words='list set remove' ;;
		domain/list) words='--json' ;;
		domain/set) words='class= alias_of= relay= catch_all=
			disabled= mailboxes= storage= quota= quota_max=
			limit_hour= limit_day= admin=' ;;
		user/) words='add password disable enable delete list show
			import quota services limits forward app' ;;
		user/add) words='--quota --hash --generate --no-password' ;;
		user/list) words='--json' ;;
		user/app)
			words="add list revoke --services --label --json
			$(_postrider_users "$1" "${inst[@]}")" ;;
		user/services)
			words="$(_postrider_users "$1" "${inst[@]}") all
			imap pop3 smtp --app-only" ;;
		user/limits)
			words="$(_postrider_users "$1" "${inst[@]}") hour=
			day= new=" ;;
		user/forward)
			words="$(_postrider_users "$1" "${inst[@]}") --keep
			--no-keep --off" ;;
		user/password)
			words="$(_postrider_users "$1" "${inst[@]}")
			--generate" ;;
		user/import) words='--plain' ;;
		user/*) words=$(_postrider_users "$1" "${inst[@]}") ;;
		mailbox/) words='list check repair rebuild dump restore' ;;
		mailbox/*) words=$(_postrider_users "$1" "${inst[@]}") ;;
		queue/) words='list show flush hold release priority
			delete bounce expire reroute dests pause slow resume
			limits transfer export import stats' ;;
		queue/show)
			words="$(_postrider_ids "$1" "${inst[@]}") --json" ;;
		queue/delete) words="$filters --yes" ;;
		queue/hold) words="$filters --until" ;;
		queue/release) words="$filters --at" ;;
		queue/bounce|queue/expire) words="$filters --text --yes" ;;
		queue/reroute) words="router $filters --yes" ;;
		queue/pause) words='--until --reason' ;;
		queue/slow) words='--concurrency --rate --until --reason' ;;
		queue/resume|queue/import) words= ;;
		queue/transfer) words="$filters --yes --" ;;
		queue/dests|queue/limits) words='--json' ;;
		queue/stats) words='--json' ;;
		queue/*) words=$filters ;;
		call/) words='auth auth-pam bounce cleanup dnsd gate limitd
			local master pipe pop3d qmgr router smtp stsd sts-fetch
			system --fd-in --fd-out' ;;
		esac
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	# a directory or file where a word of ours does not fit
	case $verb/$sub in
	init/|user/import)
		[ "${cur#-}" != "$cur" ] ||
		    COMPREPLY=($(compgen -f -- "$cur")) ;;
	esac
}

complete -F _postrider postrider
