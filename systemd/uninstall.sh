#!/bin/sh
# Removes digitcam's service and program; settings and readings only with --purge.
set -eu

usage="usage: sudo systemd/uninstall.sh [--purge]

Removes what systemd/install.sh installed. Settings in /etc/digitcam and readings in
/var/lib/digitcam stay. Packages of the system stay too.

  --purge  remove settings, readings and the user digitcam as well
  --help   show this and exit"

purge=no
case ${1-} in
    '') ;;
    --purge) purge=yes ;;
    --help)
        echo "$usage"
        exit 0
        ;;
    *)
        echo "uninstall.sh: expected --purge or --help, found '$1'" >&2
        exit 2
        ;;
esac
if [ "$(id -u)" != 0 ]; then
    echo "uninstall.sh: expected to run as root, found user $(id -un); use sudo $0" >&2
    exit 1
fi

systemctl --quiet disable --now digitcam.service 2>/dev/null || true
rm -f /etc/systemd/system/digitcam.service /etc/sysusers.d/digitcam.conf /etc/tmpfiles.d/digitcam.conf
systemctl daemon-reload
systemctl --quiet reset-failed digitcam.service 2>/dev/null || true
for command in edge-doctor edge-predict edge-readings edge-run; do
    if [ "$(readlink "/usr/local/bin/$command" || true)" = "/opt/digitcam/bin/$command" ]; then
        rm "/usr/local/bin/$command"
    fi
done
link=/opt/digitcam
# What an install.sh made: by its name, a time, and by what it is, an environment of Python.
is_ours() {
    case ${1#"$link-"} in *[!0-9]*) return 1 ;; esac
    [ ${#1} = $((${#link} + 15)) ] && [ -f "$1/pyvenv.cfg" ]
}
remove_versions() {
    [ ! -L $link ] || rm $link
    for directory in "$link"-2*; do
        ! is_ours "$directory" || rm -rf "$directory"
    done
}
remove_versions
rm -rf /usr/local/share/doc/digitcam /run/digitcam

if [ $purge = yes ]; then
    rm -rf /etc/digitcam /var/lib/digitcam /etc/systemd/system/digitcam.service.d
    if getent passwd digitcam >/dev/null; then userdel digitcam; fi
    echo "uninstall.sh: all is removed"
else
    echo "uninstall.sh: removed; settings in /etc/digitcam and readings in /var/lib/digitcam are kept (--purge removes them)"
fi
