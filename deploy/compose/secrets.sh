#!/bin/sh
# secrets.sh [FILE]: writes new secrets to FILE, deploy/.env by default, and prints the token to sign in with. A file that is
# there stays as it is: the databases know its passwords.
set -eu
file=${1:-$(dirname "$0")/../.env}
if [ -e "$file" ]; then
    echo "$file is there already; its ADMIN_TOKEN signs in"
    exit 0
fi
secret() { od -A n -t x1 -N 32 /dev/urandom | tr -d ' \n'; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }
token=$(secret)
umask 077
cat > "$file" <<END
ADMIN_TOKEN=$token
ADMIN_TOKEN_SHA256=$(printf %s "$token" | sha256)
SERVICE_TOKEN=$(secret)
METRICS_TOKEN=$(secret)
POSTGRES_PASSWORD=$(secret)
S3_ACCESS_KEY=fairlead
S3_SECRET_KEY=$(secret)
GRAFANA_PASSWORD=$(secret)
END
echo "wrote $file; sign in with FAIRLEAD_TOKEN=$token"
