#!/bin/sh
# The entry of `npm run setup|rollout|test`. Runs under whatever Node the machine has; brings the project's packages,
# which include Node 24, and goes on with that.
set -eu
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null 2>&1; then
  echo "npm is not on the PATH: install Node.js 20 or newer (https://nodejs.org)." >&2
  exit 1
fi

# Installed for exactly this lock file? (Not by age: a checkout gives files any time.) An `npm install` by hand counts too:
# npm then writes its own record after the lock file.
stamp=node_modules/.kbg-package-lock.json
if [ ! -x node_modules/.bin/node ] || [ ! -f node_modules/.package-lock.json ] || { ! cmp -s package-lock.json "$stamp" && [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; }; then
  started=$(date +%s)
  if [ -L node_modules ]; then
    echo "node_modules is a link, and installing here would empty what it leads to: run \`npm run setup\` there." >&2
    exit 1
  fi
  npm ci --no-progress --loglevel=error # its warnings say that this Node is too old, which Node 24 then mends
  echo "  npm packages, Node $(node_modules/.bin/node --version): $(($(date +%s) - started)) s"
fi
cmp -s package-lock.json "$stamp" || cp package-lock.json "$stamp"

exec node_modules/.bin/node tools/setup.ts
