# What Postrider needs on Debian, and how it is fetched.  Read by quickstart
# and runtests:  . packaging/deps.sh; need_packages $BUILD_PACKAGES

BUILD_PACKAGES="autoconf automake pkg-config gcc make libc6-dev perl
	libevent-dev libseccomp-dev libcdb-dev libpcre2-dev libssl-dev
	libsqlite3-dev libcrypt-dev libjansson-dev libunistring-dev
	libidn2-dev libunbound-dev dns-root-data uthash-dev zlib1g-dev
	libpq-dev libldap-dev
	libmariadb-dev liblmdb-dev libcurl4-openssl-dev
	libargon2-dev libpam0g-dev"
DEMO_PACKAGES="swaks curl util-linux"
TEST_PACKAGES="$DEMO_PACKAGES git mandoc fetchmail getmail6 openssl strace
	bash-completion sqlite3 procps e2fsprogs isync offlineimap3 mutt neomutt
	python3 bsdutils postgresql slapd ldap-utils mariadb-server
	lmdb-utils
	iproute2 libdb5.3 libgnutls-dane0 libidn12 libnsl2 libicu72 libtirpc3
	liblua5.3-0 libopentracing-c-wrapper0
	libbsd0 libglib2.0-0 libjson-c5 libsodium23 libunwind8 libxml2
	gsasl libsasl2-modules msmtp s-nail libio-socket-ssl-perl
	ldnsutils libnet-dns-perl
	libberkeleydb-perl libnetaddr-ip-perl libnet-server-perl"

# those of the named packages that are not installed, one a line
missing_packages() {
	for p; do
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$p" \
		    2>/dev/null) in
		ii*|hi*) ;;
		*) echo "$p" ;;
		esac
	done
}

# install what is missing of the named packages; where that is not possible,
# say what is missing and fail
need_packages() {
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "This is not Debian: make sure that the equivalents of"
		echo "these packages are here:" "$@"
		return 0
	fi
	missing=$(missing_packages "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	as_root=
	if [ "$(id -u)" != 0 ]; then
		if sudo -n true 2>/dev/null || { [ -t 0 ] &&
		    command -v sudo >/dev/null 2>&1; }; then
			as_root=sudo
		else
			echo "These packages are missing; install them as" \
			    "root, then come back:" >&2
			echo "    apt-get install $missing" >&2
			return 1
		fi
	fi
	echo "Installing $missing"
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update \
	    </dev/null || echo "(apt-get update failed; trying on)" >&2
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
	    -o Dpkg::Use-Pty=0 install --no-install-recommends $missing \
	    </dev/null >/dev/null || {
		echo "apt-get install failed: $missing" >&2
		return 1
	}
}

# Peers that tests exchange mail with.  Their packages conflict with each other
# and would start servers: they are unpacked, not installed; what they link
# with is in TEST_PACKAGES.
PEER_PACKAGES="postfix exim4-base exim4-daemon-light opensmtpd haproxy postgrey"

unpack_peers() {
	unpack_packages "$1" $PEER_PACKAGES
}

# Filters that tests ask, and the libraries that nobody else needs.
SCANNER_PACKAGES="rspamd libhyperscan5 libluajit-5.1-2 libluajit-5.1-common
	clamav-daemon clamav-milter libclamav12 libmspack0
	opendkim libopendkim11 libvbr2 librbl1 libopendbx1 libmemcached11
	libhashkit2 liblua5.3-0 libmilter1.0.1 python3-milter"

unpack_scanners() {
	unpack_packages "$1" $SCANNER_PACKAGES
}

# unpack them into DIR, once
unpack_packages() {
	local dir=$1 tmp p
	shift
	[ "$(cat "$dir/done" 2>/dev/null)" = "$*" ] && return 0
	tmp=$(mktemp -d) || return 1
	chmod 0755 "$tmp"
	rm -rf "$dir" && mkdir -p "$dir" || return 1
	(cd "$tmp" && apt-get download -qq -o APT::Sandbox::User=root \
	    "$@") || { rm -rf "$tmp"; return 1; }
	for p in "$tmp"/*.deb; do
		dpkg-deb -x "$p" "$dir" || { rm -rf "$tmp"; return 1; }
	done
	rm -rf "$tmp"
	echo "$*" > "$dir/done"
}
