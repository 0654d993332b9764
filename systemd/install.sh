#!/bin/sh
# Installs digitcam as a service, or upgrades it. When a step fails, what was there before runs on.
set -eu
umask 022                # the service's user reads what is installed
export TMPDIR=/var/tmp   # /tmp is memory on Trixie

usage="usage: sudo systemd/install.sh [--no-start] [--wheel FILE]

Installs digitcam from this checkout as a service on Raspberry Pi OS or Debian, Bookworm or Trixie.
Run it again to upgrade: settings and readings are kept.

  --no-start    enable the service, and leave starting it to the next boot or to you
  --wheel FILE  install this wheel of digitcam rather than the checkout
  --help        show this and exit"

link=/opt/digitcam
new=$link-$(date +%Y%m%d%H%M%S)
checkout=$(cd "$(dirname "$0")/.." && pwd)
commands="edge-doctor edge-predict edge-readings edge-run"
settings=/etc/digitcam/digitcam.toml
documents=/usr/local/share/doc/digitcam
patience_s=30

say() { echo "install.sh: $*"; }
fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# What goes where of this folder; a line each, the source first.
system_files="digitcam.service /etc/systemd/system/digitcam.service
digitcam.sysusers /etc/sysusers.d/digitcam.conf
digitcam.tmpfiles /etc/tmpfiles.d/digitcam.conf"

read_options() {
    start=yes wheel=
    while [ $# -gt 0 ]; do
        case $1 in
            --no-start) start=no ;;
            --wheel)
                wheel=${2-}
                [ -f "$wheel" ] || fail "--wheel: expected a wheel file, found '$wheel'; check the path"
                shift
                ;;
            --help)
                echo "$usage"
                exit 0
                ;;
            *)
                echo "install.sh: expected --no-start, --wheel FILE or --help, found '$1'" >&2
                exit 2
                ;;
        esac
        shift
    done
}

check_machine() {
    [ "$(id -u)" = 0 ] || fail "expected to run as root, found user $(id -un); use sudo $0"
    [ -d /run/systemd/system ] || fail "expected systemd as the init system, found none; start digitcam with edge-run instead"
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && echo "${VERSION_CODENAME-unknown}")
    case $release in
        bookworm | trixie) ;;
        *) fail "expected Raspberry Pi OS or Debian, Bookworm or Trixie, found '$release'; upgrade, or install with pip (README.md)" ;;
    esac
    architecture=$(dpkg --print-architecture)
    case $architecture in
        arm64 | amd64) ;;
        armhf)
            [ "$release" = bookworm ] || fail "32-bit Trixie: expected a TFLite runtime for its Python 3.13, found none for 32 bit; use Bookworm, or the 64-bit system"
            [ "$(uname -m)" != armv6l ] || fail "expected an ARMv7 processor or later, found ARMv6, which has no TFLite runtime; use a Zero 2 W, or a Pi 2 or later"
            ;;
        *) fail "expected arm64, armhf or amd64, found $architecture; there is no TFLite runtime for it" ;;
    esac
    [ ! -e $link ] || [ -L $link ] || fail "$link: expected the link of an earlier install.sh, found a directory; move it away"
    for command in $commands; do
        target=$(readlink "/usr/local/bin/$command" || true)
        [ ! -e "/usr/local/bin/$command" ] || [ "$target" = "$link/bin/$command" ] ||
            fail "/usr/local/bin/$command: expected none or a link of an earlier install.sh, found another; move it away"
    done
    exec 9>/run/digitcam-install.lock
    flock -n 9 || fail "expected to be alone, found another install.sh at work; wait for it"
}

install_packages() {
    packages="python3-venv python3-numpy"
    [ "$architecture" != armhf ] || packages="$packages python3-opencv"
    apt-get -qq update || fail "apt-get update: expected to reach the package archive, see above; check the network"
    if [ -n "$(apt-cache madison python3-picamera2)" ]; then
        packages="$packages python3-picamera2"
    else
        say "no python3-picamera2 in this system's archive: ribbon-cable cameras cannot be read here, USB ones can"
    fi
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $packages >"$work/apt.log" 2>&1 || {
        cat "$work/apt.log" >&2
        fail "apt-get: expected to install $packages, see above; mend that and run this again"
    }
}

# The system's packages stay visible: picamera2 comes from apt, and only with apt's numpy.
build_environment() {
    python3 -m venv --system-site-packages "$new"
    if [ -z "$wheel" ]; then
        mkdir "$work/source" # a copy, since building leaves files that are root's
        (cd "$checkout" && cp -R setup.cfg pyproject.toml README.md LICENSE edge train convert "$work/source")
        wheel=$work/source
    fi
    if [ "$architecture" = armhf ]; then # OpenCV is apt's: its package has no metadata for pip
        set -- --no-deps "$wheel" "tflite-runtime>=2.14,<2.15"
    else
        /usr/bin/python3 -c 'import numpy; print(f"numpy=={numpy.__version__}")' >"$work/constraints"
        set -- --constraint "$work/constraints" "$wheel"
    fi
    "$new/bin/python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore "$@" ||
        fail "pip: expected to install digitcam, see above; check the network and run this again"
}

try_environment() {
    "$new/bin/edge-predict" "$checkout/docs/sample.png" | sed '1d;s/^  //' >"$work/reading" || true
    cmp -s "$work/reading" "$checkout/docs/sample.txt" ||
        fail "the new version cannot read docs/sample.png; $new/bin/edge-predict said: $("$new/bin/edge-predict" "$checkout/docs/sample.png" 2>&1 || true)"
    # 73: the files cannot be written now, as when a disk is not mounted yet; the service waits.
    [ ! -f $settings ] || said=$("$new/bin/edge-run" --check-config --config $settings 2>&1) || [ $? = 73 ] ||
        fail "the new version cannot run with your settings: $said; mend $settings and run this again"
}

# From here on the system changes; undo() knows the way back.
install_system_files() {
    changed=yes
    echo "$system_files" | while read -r from to; do
        [ ! -f "$to" ] || cp -p "$to" "$work/$from"
        install -D -m 644 "$checkout/systemd/$from" "$to"
    done
    systemd-sysusers digitcam.conf
    systemd-tmpfiles --create digitcam.conf
    if [ ! -f $settings ]; then
        install -D -m 644 "$checkout/systemd/digitcam.toml" $settings
        new_settings=yes
    fi
    if cmp -s "$checkout/systemd/digitcam.toml" $settings; then
        rm -f $settings.new
    else
        install -m 644 "$checkout/systemd/digitcam.toml" $settings.new
    fi
    install -D -m 644 -t $documents "$checkout/docs/service.md" "$checkout/edge/default.toml"
}

point_to() {
    ln -sfn "$1" $link.next
    mv -T $link.next $link # atomic: there is a working $link at any time
}

link_commands() {
    mkdir -p /usr/local/bin
    for command in $commands; do
        ln -sfn "$link/bin/$command" "/usr/local/bin/$command"
    done
}

start_service() {
    systemctl daemon-reload
    systemctl --quiet enable digitcam.service
    [ $start = yes ] || return 0
    systemctl --quiet reset-failed digitcam.service 2>/dev/null || true
    systemctl restart --no-block digitcam.service
    service_lives || fail "the service does not run: $(last_words); mend that and run this again"
}

# True once it is ready, and also while it waits for its camera: that may be plugged in later.
service_lives() {
    waited_s=0
    while [ $waited_s -lt $patience_s ]; do
        sleep 1
        waited_s=$((waited_s + 1))
        case $(property ActiveState) in
            active) return 0 ;;
            failed) return 1 ;;
            inactive) return 0 ;; # a replay that has come to its end
        esac
        case $(property SubState)$(property ExecMainStatus) in
            auto-restart73 | auto-restart75) return 0 ;;
            auto-restart*) return 1 ;;
        esac
    done
}
property() { systemctl show --property "$1" --value digitcam.service; }
last_words() { journalctl --quiet --unit digitcam.service --identifier edge-run --lines 1 --output cat; }

undo() {
    status=$?
    trap - EXIT
    if [ $status != 0 ]; then
        [ -z "$changed" ] || put_back
        rm -rf "$new"
        say "nothing is left of this attempt${old:+; the version before is in place}" >&2
    fi
    rm -rf "$work"
    exit $status
}

put_back() {
    echo "$system_files" | while read -r from to; do
        if [ -f "$work/$from" ]; then mv "$work/$from" "$to"; else rm -f "$to"; fi
    done
    [ -z "$new_settings" ] || rm -f $settings
    if [ -n "$old" ]; then
        point_to "$old"
        systemctl daemon-reload
        [ -z "$ran" ] || systemctl restart --no-block digitcam.service
    else
        systemctl --quiet disable --now digitcam.service 2>/dev/null || true
        rm -f $link /etc/systemd/system/multi-user.target.wants/digitcam.service
        for command in $commands; do rm -f "/usr/local/bin/$command"; done
        systemctl daemon-reload
    fi
}

# What an install.sh made: by its name, a time, and by what it is, an environment of Python.
is_ours() {
    case ${1#"$link-"} in *[!0-9]*) return 1 ;; esac
    [ ${#1} = $((${#link} + 15)) ] && [ -f "$1/pyvenv.cfg" ]
}

remove_older() {
    for directory in "$link"-2*; do
        [ "$directory" = "$new" ] || ! is_ours "$directory" || rm -rf "$directory"
    done
}

tell_next() {
    case $start$(property ActiveState) in
        no*) say "installed; start it with: sudo systemctl start digitcam" ;;
        yesactive) say "installed, and running" ;;
        *) say "installed; it waits for its camera: $(property StatusText)" ;;
    esac
    [ ! -f $settings.new ] || say "your settings are kept; compare them with $settings.new"
    cat <<NEXT
  what it reads now    journalctl -fu digitcam
  readings             edge-readings     (first: sudo usermod -aG digitcam \$USER, and log in again)
  settings             sudo nano $settings && sudo systemctl reload digitcam
  something wrong?     edge-doctor, and $documents/service.md
NEXT
}

main() {
    read_options "$@"
    check_machine
    changed='' new_settings=''
    old=$(readlink $link || true)
    ran=$(systemctl is-active digitcam.service 2>/dev/null | sed -n '/^activ/p')
    work=$(mktemp -d)
    trap undo EXIT
    trap 'exit 1' HUP INT TERM
    say "installing packages"
    install_packages
    say "building $new"
    build_environment
    try_environment
    install_system_files
    point_to "$new"
    link_commands
    start_service
    remove_older
    tell_next
}

main "$@"
