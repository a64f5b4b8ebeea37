#!/bin/sh
# add_code.sh IMAGE: leaves below /code what IMAGE holds of the wheel, compiled, and the list of what is installed. A service
# has the kit, the contracts and its own folder; the operator the commands, the kit, and of every service its tables; the
# client has a plain install.
set -eu
image=$1
/opt/tools/bin/uv pip install --quiet --no-cache --python /opt/fairlead/bin/python --no-deps /wheel/*.whl
cd "$(/opt/fairlead/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
site=${PWD#/}
set -- fairlead/__init__.py fairlead/py.typed fairlead/kit fairlead/api fairlead/services/__init__.py
case $image in
client) set -- fairlead ;;
operator) set -- "$@" fairlead/admin fairlead/cli fairlead/client fairlead/up fairlead/services/*/adapters/migrations ;;
*) set -- "$@" "fairlead/services/$image" ;;
esac
mkdir -p "/code/$site"
cp -r --parents "$@" fairlead-*.dist-info "/code/$site"
case $image in
client | operator) cp --parents /opt/fairlead/bin/fairlead /code ;;
*) rm "/code/$site"/fairlead-*.dist-info/entry_points.txt ;; # the command is not here
esac
# What the version is read from stays; it lists files that are not here.
test "$image" = client || rm "/code/$site"/fairlead-*.dist-info/RECORD
/opt/fairlead/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /code -p / "/code/$site"
/opt/tools/bin/cyclonedx-py environment --pyproject /wheel/pyproject.toml --mc-type application --output-reproducible \
    --output-format JSON --spec-version 1.6 --output-file /code/opt/fairlead/sbom.cdx.json /opt/fairlead/bin/python
