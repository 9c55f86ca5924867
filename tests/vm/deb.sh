#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: deb.sh KERNEL [VERSION]
# Builds the Debian packages for the suite of that kernel in its guest root, into
# build/deb/SUITE/. What they are made of is copied to build/ with tools/packaging as
# its debian/; VERSION (default: that of lib/Makefile) goes into the changelog.
#
# Must never write into the checkout, nor into the root.
. "${BASH_SOURCE[0]%/*}/env.sh"

use_kernel "${1:?usage: deb.sh KERNEL [VERSION]}"
suite=$(suite_of "$1")
version=${2:-$(sed -n 's/^VERSION := //p' "$TOP/lib/Makefile")}
out=$O/deb/$suite${2:+-$2}
tree=$out/pin-revoke
rm -rf "$out"
mkdir -p "$tree" "$O/log"
cd "$TOP"
cp -a drivers-examples kernel lib tools uapi LICENSES Makefile README.md "$tree/"
mv "$tree/tools/packaging" "$tree/debian"
mkdir "$tree/debian/source"
echo '3.0 (native)' > "$tree/debian/source/format"
cat > "$tree/debian/changelog" <<EOT
pin-revoke ($version) $suite; urgency=medium

  * Packages of version $version.

 -- $(sed -n 's/^Maintainer: //p' tools/packaging/control)  $(date -R -d "@$(git log -1 --format=%ct 2> /dev/null || stat -c %Y README.md)")
EOT
log=$O/log/deb-$suite${2:+-$2}
say "building packages $version for $suite"
SECONDS=0
"$VM/in-root.sh" "$ROOT" env -C "/build/${tree#"$O/"}" \
	dpkg-buildpackage --no-sign --no-check-builddeps --jobs=2 > "$log" 2>&1 || {
	tail -n 30 "$log" >&2
	die "the packages were not built, all of the log: $log"
}
rm -rf "$tree"
say "packages: $SECONDS s, in $out"
