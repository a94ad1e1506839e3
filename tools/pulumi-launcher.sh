#!/bin/sh
# `npx pulumi`: the Pulumi CLI as this project uses it, from any shell. What the shell has set already stays as it is.
set -eu
self=$0
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=$(dirname "$self")/$target ;;
  esac
done
root=$(CDPATH='' cd -- "$(dirname -- "$self")/.." && pwd -P)
bin="$root/node_modules/.bin"

# The CLI that set-up installed, else the first one on the PATH that is not this launcher.
cli="$root/.kbg/.tools/pulumi/pulumi"
if [ ! -x "$cli" ]; then
  cli=
  rest=$PATH:
  while [ -n "$rest" ]; do
    dir=${rest%%:*}
    rest=${rest#*:}
    if [ -n "$dir" ] && [ ! "$dir" -ef "$bin" ] && [ -x "$dir/pulumi" ]; then
      cli=$dir/pulumi
      break
    fi
  done
fi
if [ -z "$cli" ]; then
  echo "There is no Pulumi CLI yet: run 'npm run setup' in $root." >&2
  exit 1
fi

# Node 24 runs the program; where the official Kafka plugin is not installed, its stand-in serves.
version=$(sed -n 's/^ *"version": "\(.*\)",*$/\1/p' "$root/node_modules/@pulumi/kafka/package.json" | head -n 1)
PATH="$bin:$(dirname "$cli"):$PATH"
if [ ! -x "${PULUMI_HOME:-$HOME/.pulumi}/plugins/resource-kafka-v$version/pulumi-resource-kafka" ]; then
  PATH="$root/test/support/providers:$PATH"
  # Set-up could not get a plugin here, so neither will Pulumi: it tries for 2.6 s in each command, for the clouds' plugins too.
  : "${PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION:=true}"
  export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION
fi
export PATH
# Which CLI it is the project says, not the newest release.
: "${PULUMI_SKIP_UPDATE_CHECK:=true}"
export PULUMI_SKIP_UPDATE_CHECK
# A preview doesn't begin with compiling Pulumi's SDK.
: "${NODE_COMPILE_CACHE:=$root/.kbg/.compile-cache}"
export NODE_COMPILE_CACHE

# The backend and the passphrase that `kbg init` made. An empty passphrase variable is a passphrase, so it counts as set.
if [ -z "${PULUMI_BACKEND_URL:-}" ] && [ -d "$root/.kbg/.pulumi" ]; then
  export PULUMI_BACKEND_URL="file://$root/.kbg/.pulumi"
fi
if [ -z "${PULUMI_CONFIG_PASSPHRASE+set}" ] && [ -z "${PULUMI_CONFIG_PASSPHRASE_FILE:-}" ] && [ -f "$root/.kbg/.passphrase" ]; then
  export PULUMI_CONFIG_PASSPHRASE_FILE="$root/.kbg/.passphrase"
fi
exec "$cli" "$@"
