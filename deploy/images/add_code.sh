#!/bin/sh
# add_code.sh IMAGE: leaves below /code what IMAGE holds of the wheel, compiled, and the list of what is installed. A service
# has the kit, the contracts and its own folder; the client has a plain install.
set -eu
/opt/tools/bin/uv pip install --quiet --no-cache --python /opt/fairlead/bin/python --no-deps /wheel/*.whl
cd "$(/opt/fairlead/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
site=${PWD#/}
case $1 in
client) set -- fairlead ;;
*) set -- fairlead/__init__.py fairlead/py.typed fairlead/kit fairlead/api fairlead/services/__init__.py "fairlead/services/$1" ;;
esac
mkdir -p "/code/$site"
cp -r --parents "$@" fairlead-*.dist-info "/code/$site"
if [ "$1" = fairlead ]; then
    cp --parents /opt/fairlead/bin/fairlead /code
else # what the service reads its version from: neither the command nor every file is here
    (cd "/code/$site" && rm fairlead-*.dist-info/RECORD fairlead-*.dist-info/entry_points.txt)
fi
/opt/fairlead/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /code -p / "/code/$site"
/opt/tools/bin/cyclonedx-py environment --pyproject /wheel/pyproject.toml --mc-type application --output-reproducible \
    --output-format JSON --spec-version 1.6 --output-file /code/opt/fairlead/sbom.cdx.json /opt/fairlead/bin/python
