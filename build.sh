#!/usr/bin/env bash
# For deployment platforms: installs into the active virtual environment, else into .venv.
set -euo pipefail
cd "$(dirname "$0")"
if [ -z "${VIRTUAL_ENV:-}" ]; then
    [ -x .venv/bin/python ] || python3 -m venv .venv
    PATH="$PWD/.venv/bin:$PATH"
fi
python -m pip install --disable-pip-version-check -r requirements.txt
mkdir -p media var
# Neither step needs the deployment's secret, nor its Redis (checked when Chromi starts).
SECRET_KEY="${SECRET_KEY:-only-for-the-build}" python manage.py collectstatic --noinput
SECRET_KEY="${SECRET_KEY:-only-for-the-build}" python manage.py migrate --noinput --skip-checks
