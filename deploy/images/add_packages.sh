#!/bin/sh
# add_packages.sh LOCK: installs what LOCK names into /opt/fairlead, and leaves what that added below /added too, slimmed and
# compiled. What earlier stages installed is not in it, so that it is a layer on top of theirs.
set -eu
lock=$1
export UV_CACHE_DIR=/tmp/uv
began=$(mktemp)
sleep 0.1 # longer than a tick of the file system's clock
test -d /opt/fairlead || python3 -m venv --without-pip /opt/fairlead
/opt/tools/bin/uv pip install --quiet --python /opt/fairlead/bin/python --no-deps --require-hashes -r "$lock"
rm -rf "$UV_CACHE_DIR" /added /opt/fairlead/.lock /opt/fairlead/bin/*ctivate*
mkdir /added
cd /
find opt/fairlead ! -type d -cnewer "$began" -print0 | xargs -0 cp --archive --link --parents --target-directory=/added

cd /added/opt/fairlead/lib/python3*/site-packages
# Descriptions of all of Amazon's services: ours are S3 and what signing in to it takes.
test ! -d botocore || find botocore/data -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} +
# The same library again, for other Pythons.
rm -f zstandard/_cffi*
# Arrow over the network, and what compiling against Arrow takes.
rm -rf pyarrow/libarrow_flight* pyarrow/libarrow_python_flight* pyarrow/_flight* pyarrow/include pyarrow/src
# Thrice the same, as a wheel has no links.
for library in pyarrow/libarrow_python.so.*.*.*; do
    test ! -f "$library" || for name in "${library%.*.*}" "${library%.*.*.*}"; do ln -sf "${library##*/}" "$name"; done
done
for package in numpy pandas pyarrow scipy sklearn lightgbm; do
    test ! -d $package || find $package -type d -name tests -prune -exec rm -rf {} +
done
# What a debugger of C reads is half of some libraries.
find . -type f -name '*.so*' | while read -r library; do
    if readelf --section-headers --wide "$library" | grep -q '\.debug_info'; then strip --strip-debug "$library"; fi
done
# Never checked against its source: nothing changes in an image. Templates of programs are no programs, and stay as they are.
/opt/fairlead/bin/python -m compileall -qq -j 0 --invalidation-mode unchecked-hash -s /added -p / /added/opt/fairlead/lib || true
