#!/bin/sh
# A checked backup named by its time (UTC), and of those that are there the newest KEEP.
#
#   backup.sh FOLDER KEEP [option of `fairlead backup`]...
set -eu
umask 077

folder=$1
keep=$2
shift 2
time='20??????T??????Z'

# One at a time: what another writes is not to be taken for something that was cut off.
exec 9>"$folder/.lock"
flock 9

# Cut off before its end: of no use, and in the way of the next.
rm -rf "$folder"/$time.part

new=$folder/$(date -u +%Y%m%dT%H%M%SZ)
fairlead backup "$@" "$new.part"
fairlead backup --verify "$new.part"
mv -T "$new.part" "$new"
echo "$new is kept"

# Only now that there is a newer one.
set -- "$folder"/$time/manifest.json
while [ $# -gt "$keep" ]; do
    old=${1%/manifest.json}
    # Under the other name first: one that is half removed is none.
    mv -T "$old" "$old.part"
    rm -rf "$old.part"
    echo "$old is removed"
    shift
done
